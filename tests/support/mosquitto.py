"""A real Mosquitto for tests, where it is installed: with passwords, an ACL and, if wanted, TLS."""

import shutil
import signal
import socket
import subprocess
from pathlib import Path
from typing import Final

from deploy.local.children import child_options
from deploy.local.ports import LOOPBACK, free_port
from tests.support.servers import wait_until

BINARY: Final = shutil.which("mosquitto", path="/usr/sbin:/usr/local/sbin:/usr/bin")
MISSING: Final = "Mosquitto is not installed: MQTT 5 is tested where it is"

#: User -> what it may do: the bridge reads what comes in and answers, a device sends below its own prefix.
ACL: Final = """\
user bridge
topic read tagwerk/in/#
topic write tagwerk/out/#
topic write tagwerk/answers/#
topic read tagwerk/agents/+/+/answers
topic read tagwerk/agents/+/+/status
topic write tagwerk/agents/+/+/commands

user agent-office
topic write tagwerk/agents/main/office/answers
topic write tagwerk/agents/main/office/status
topic read tagwerk/agents/main/office/commands

user device
topic write tagwerk/in/main/#
topic read tagwerk/out/main/#
topic read tagwerk/answers/main/#
"""


class Mosquitto:
    """One process. It keeps its port and its sessions over `stop` and `start`."""

    def __init__(self, folder: Path, *, tls: bool = False) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        self.port = free_port()
        self.passwords = {"bridge": "b-secret", "device": "d-secret", "agent-office": "a-secret"}
        self.ca_file = folder / "cert.pem" if tls else None
        self._process: subprocess.Popen[bytes] | None = None
        self._prepare(tls=tls)

    def url(self, user: str) -> str:
        scheme = "mqtts" if self.ca_file else "mqtt"
        return f"{scheme}://{user}:{self.passwords[user]}@{LOOPBACK}:{self.port}"

    def start(self) -> None:
        assert BINARY is not None, MISSING
        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [BINARY, "-c", str(self.folder / "conf")], stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                **child_options(signal.SIGKILL),
            )  # fmt: skip
        wait_until(self._listens, f"Mosquitto listens ({(self.folder / 'log').read_text()})")

    def stop(self) -> None:
        """In order, so that it writes its sessions down."""
        if self._process is not None:
            self._process.terminate()
            self._process.wait(timeout=15)
            self._process = None

    def _listens(self) -> bool:
        try:
            with socket.create_connection((LOOPBACK, self.port), timeout=1):
                return True
        except OSError:
            return False

    def _prepare(self, *, tls: bool) -> None:
        passwords = self.folder / "passwords"
        passwords.touch(mode=0o600)
        for user, password in self.passwords.items():
            subprocess.run(["mosquitto_passwd", "-b", passwords, user, password], check=True)
        (self.folder / "acl").write_text(ACL)
        encrypted = ""
        if tls:
            key, certificate = self.folder / "key.pem", self.folder / "cert.pem"
            subprocess.run(
                ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2",
                 "-keyout", key, "-out", certificate, "-subj", "/CN=broker",
                 "-addext", f"subjectAltName=IP:{LOOPBACK}"],
                check=True, capture_output=True,
            )  # fmt: skip
            encrypted = f"certfile {certificate}\nkeyfile {key}\n"
        (self.folder / "conf").write_text(
            f"listener {self.port} {LOOPBACK}\n{encrypted}"
            f"allow_anonymous false\npassword_file {passwords}\nacl_file {self.folder}/acl\n"
            f"persistence true\npersistence_location {self.folder}/\nuser root\n"
        )
