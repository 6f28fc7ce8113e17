"""What is missing on a machine is said with the one command that mends it."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

from deploy.local import preflight
from deploy.local.preflight import Machine, find_lack

DEBIAN = {"ID": "debian", "VERSION_ID": "12"}
GOOD = Machine(
    system="Linux",
    architecture="x86_64",
    python=(3, 11),
    glibc=(2, 36),
    missing_modules=(),
    distribution=DEBIAN,
    root=False,
)


def test_nothing_is_missing_on_a_good_machine() -> None:
    assert find_lack(GOOD) is None
    assert find_lack(GOOD._replace(architecture="aarch64", python=(3, 14), glibc=(3, 0))) is None


@pytest.mark.parametrize(
    ("machine", "what", "command"),
    [
        (
            GOOD._replace(missing_modules=("ensurepip",)),
            "virtual environments: ensurepip",
            "sudo apt-get install -y python3.11-venv",
        ),
        (
            GOOD._replace(missing_modules=("ensurepip",), python=(3, 12), root=True),
            "virtual environments",
            "apt-get install -y python3.12-venv",
        ),
        (
            GOOD._replace(missing_modules=("venv",), distribution={"ID": "fedora"}),
            "virtual environments",
            "sudo dnf install -y python3.11-pip",
        ),
        (
            GOOD._replace(python=(3, 9)),
            "Python is too old: 3.9, and Tagwerk needs 3.11",
            "sudo apt-get install -y python3 python3-venv",
        ),
        (
            GOOD._replace(python=(3, 10), distribution={"ID": "ubuntu", "ID_LIKE": "debian"}),
            "Python is too old: 3.10",
            "sudo apt-get install -y python3.11 python3.11-venv",
        ),
        (
            GOOD._replace(python=(3, 9), distribution={"ID": "rocky", "ID_LIKE": "rhel centos fedora"}),
            "Python is too old",
            "sudo dnf install -y python3.11",
        ),
        (
            GOOD._replace(python=(3, 9), distribution={"ID": "debian", "VERSION_ID": "11"}),
            "Python is too old",
            "make compose",
        ),
        (GOOD._replace(glibc=(2, 27)), "glibc 2.27, and the wheels need 2.28", "make compose"),
        (GOOD._replace(glibc=None), "another C library", "make compose"),
        (GOOD._replace(architecture="armv7l"), "no wheels of the servers for armv7l", "make compose"),
        (GOOD._replace(system="Darwin"), "this is Darwin", "make compose"),
    ],
)
def test_what_is_missing_comes_with_its_mend(machine: Machine, what: str, command: str) -> None:
    lack = find_lack(machine)
    assert lack is not None
    assert what in lack.what
    assert lack.command == command


def test_the_most_fundamental_lack_is_named_first() -> None:
    lack = find_lack(GOOD._replace(glibc=(2, 17), python=(3, 6), missing_modules=("venv",)))
    assert lack is not None
    assert "glibc" in lack.what


def test_old_pythons_can_read_the_preflight() -> None:
    source = Path(preflight.__file__).read_text()
    tree = ast.parse(source, feature_version=(3, 6))
    imported = {
        name.split(".")[0]
        for node in ast.walk(tree)
        if isinstance(node, ast.Import | ast.ImportFrom)
        for name in ([node.module] if isinstance(node, ast.ImportFrom) else [a.name for a in node.names])
        if name is not None
    }
    assert imported <= sys.stdlib_module_names


def test_this_machine_passes_since_the_tests_run_on_it() -> None:
    result = subprocess.run([sys.executable, preflight.__file__], capture_output=True, text=True, check=False)
    assert (result.returncode, result.stderr) == (0, "")


def test_the_command_stands_alone_on_its_line_when_something_is_missing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(preflight, "this_machine", lambda: GOOD._replace(missing_modules=("ensurepip",)))
    with pytest.raises(SystemExit) as exit_:
        preflight.main()
    assert "\n    sudo apt-get install -y python3.11-venv\n" in str(exit_.value)
