"""A private authority for tests, as installations have one: nobody else believes its certificates."""

import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path

from deploy.certificates import ensure_authority, issue


class Authority:
    """Its certificate lies at `file`."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.file = ensure_authority(folder)

    def issue(self, address: str, *, expired: bool = False) -> tuple[Path, Path]:
        """Certificate and key of a server at an IP address, in place of an earlier one."""
        start = datetime.now(UTC) - timedelta(days=3 if expired else 0)
        issue(self._folder, address, start, timedelta(days=2))
        return self.files(address)

    def files(self, address: str) -> tuple[Path, Path]:
        """Where certificate and key of a server lie."""
        return self._folder / f"{address}.pem", self._folder / f"{address}.key"

    def serves(self, address: str) -> ssl.SSLContext:
        """For a server at an IP address, with a certificate of this authority."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*self.issue(address))
        return context
