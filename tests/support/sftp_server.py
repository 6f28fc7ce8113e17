"""A real SFTP server for tests: asyncssh as a process of its own, each user at home in a folder.

`python -m tests.support.sftp_server <folder> <port>`: the folder has `host_key`
and `authorized_keys`; files lie below `home`.
"""

import asyncio
import contextlib
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import asyncssh

from deploy.local.children import child_options
from deploy.local.ports import LOOPBACK, free_port
from tests.support.mail_server import _listens
from tests.support.servers import wait_until

USER: Final = "datev"
PASSWORD: Final = "s3cret-of-the-sftp-user"


@dataclass(frozen=True)
class SftpServer:
    """A server that runs."""

    port: int
    folder: Path

    @property
    def home(self) -> Path:
        return self.folder / "home"

    @property
    def known_hosts(self) -> Path:
        return self.folder / "known_hosts"

    @property
    def client_key(self) -> Path:
        """A key with which the user can sign in, too."""
        return self.folder / "client_key"

    @property
    def password_file(self) -> Path:
        return self.folder / "password"


def _keys(folder: Path, port: int) -> None:
    host, user = (asyncssh.generate_private_key("ssh-ed25519") for _ in range(2))
    host.write_private_key(str(folder / "host_key"))
    user.write_private_key(str(folder / "client_key"))
    public = host.export_public_key().decode()
    (folder / "known_hosts").write_text(f"[{LOOPBACK}]:{port} {public}")
    (folder / "authorized_keys").write_bytes(user.export_public_key())
    (folder / "password").write_text(f"{PASSWORD}\n")
    (folder / "home").mkdir()


@contextlib.contextmanager
def serving_sftp() -> Iterator[SftpServer]:
    """A server that runs until the end of the block."""
    with tempfile.TemporaryDirectory(prefix="tagwerk-sftp-") as name:
        server = SftpServer(free_port(), Path(name))
        _keys(server.folder, server.port)
        with (server.folder / "log").open("wb") as output:
            process = subprocess.Popen(
                [sys.executable, "-m", __name__, name, str(server.port)],
                stdin=subprocess.DEVNULL, stdout=output, stderr=output, **child_options(signal.SIGKILL),
            )  # fmt: skip
        try:
            wait_until(lambda: _listens(server.port), "the SFTP server listens")
            yield server
        finally:
            process.kill()
            process.wait()


class _Door(asyncssh.SSHServer):
    def begin_auth(self, username: str) -> bool:
        return True

    def password_auth_supported(self) -> bool:
        return True

    def validate_password(self, username: str, password: str) -> bool:
        return (username, password) == (USER, PASSWORD)


async def _serve(folder: Path, port: int) -> None:
    def home(channel: "asyncssh.SSHServerChannel[bytes]") -> asyncssh.SFTPServer:
        return asyncssh.SFTPServer(channel, chroot=bytes(folder / "home"))

    await asyncssh.listen(
        LOOPBACK, port, server_factory=_Door, server_host_keys=[str(folder / "host_key")],
        authorized_client_keys=str(folder / "authorized_keys"), sftp_factory=home,
    )  # fmt: skip
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(_serve(Path(sys.argv[1]), int(sys.argv[2])))
