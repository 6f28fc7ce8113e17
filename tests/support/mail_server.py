"""A real IMAP server for tests: pymap as a process of its own, its mails in memory, with STARTTLS."""

import contextlib
import signal
import socket
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import imap_tools

from deploy.local.children import child_options
from deploy.local.ports import LOOPBACK, free_port
from tests.support.servers import wait_until

USER: Final = "desk@example.org"
PASSWORD: Final = "s3cret-of-the-mailbox"


@dataclass(frozen=True)
class MailServer:
    """A server that runs. Tests put mails into folders of their own."""

    port: int
    folder: Path

    @property
    def ca_file(self) -> Path:
        return self.folder / "cert.pem"

    @contextlib.contextmanager
    def signed_in(self) -> Iterator[imap_tools.BaseMailBox]:
        """As a person's mail program."""
        with imap_tools.MailBoxUnencrypted(LOOPBACK, self.port, timeout=30) as box:
            yield box.login(USER, PASSWORD, initial_folder=None)

    def deliver(self, folder: str, *mails: bytes) -> None:
        """Put mails into a folder, which is made if there is none."""
        with self.signed_in() as box:
            if not box.folder.exists(folder):
                box.folder.create(folder)
            for mail in mails:
                box.append(mail, folder, flag_set=[])

    def holds(self, folder: str) -> list[bytes]:
        """The mails in a folder, in their order; none where there is no such folder."""
        with self.signed_in() as box:
            if not box.folder.exists(folder):
                return []
            box.folder.set(folder, readonly=True)
            fetched = [box.client.uid("FETCH", uid, "(BODY.PEEK[])")[1][0] for uid in box.uids()]
            return [bytes(one[1]) for one in fetched]

    def make_anew(self, folder: str) -> None:
        """Delete the folder and make it again with what was in it: the same UIDs mean other mails then."""
        mails = self.holds(folder)
        with self.signed_in() as box:
            box.folder.delete(folder)
        self.deliver(folder, *mails)

    def mailboxes(self, path: Path, *clients: str, **changes: str) -> Path:
        """A file of mailboxes at `path`: for each client one, in folders of its own below its name."""
        (path.parent / "mail.password").write_text(f"{PASSWORD}\n")
        (path.parent / "mail-authority.pem").write_bytes(self.ca_file.read_bytes())
        path.write_text("".join(self._entry(client, changes) for client in clients))
        tomllib.loads(path.read_text())
        return path

    def _entry(self, client: str, changes: dict[str, str]) -> str:
        values = {
            "name": "invoices", "host": LOOPBACK, "security": "none", "user": USER,
            "password_file": "mail.password", "folder": f"{client}-inbox", "imported": f"{client}-imported",
            "refused": f"{client}-refused", **changes,
        }  # fmt: skip
        lines = "".join(f'{name} = "{value}"\n' for name, value in values.items())
        return f"[[clients.{client}.mailboxes]]\nport = {self.port}\n{lines}\n"


@contextlib.contextmanager
def serving_mail() -> Iterator[MailServer]:
    """A server that runs until the end of the block."""
    with tempfile.TemporaryDirectory(prefix="tagwerk-mail-") as name:
        server = MailServer(free_port(), Path(name))
        key = server.folder / "key.pem"
        subprocess.run(
            ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
             "-days", "2", "-keyout", key, "-out", server.ca_file, "-subj", "/CN=mail",
             "-addext", f"subjectAltName=IP:{LOOPBACK}"],
            check=True, capture_output=True,
        )  # fmt: skip
        command = [
            sys.executable, "-c", "from pymap.main import main; main()",
            "--no-service", "admin", "--no-service", "managesieve",
            "--host", LOOPBACK, "--port", str(server.port), "--cert", str(server.ca_file), "--key", str(key),
            "dict", "--demo-user", USER, "--demo-password", PASSWORD,
        ]  # fmt: skip
        log = server.folder / "log"
        with log.open("wb") as output:
            process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=output, stderr=output,
                **child_options(signal.SIGKILL),
            )  # fmt: skip
        try:
            wait_until(lambda: _listens(server.port), "the mail server listens")
            yield server
        finally:
            process.kill()
            process.wait()


def _listens(port: int) -> bool:
    try:
        with socket.create_connection((LOOPBACK, port), timeout=1):
            return True
    except OSError:
        return False
