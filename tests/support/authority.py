"""A private authority for tests, as installations have one: nobody else believes its certificates."""

import ssl
import subprocess
from pathlib import Path
from typing import Final

_KEY: Final = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2")


class Authority:
    """Its certificate lies at `file`."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._key = folder / "authority.key"
        self.file = folder / "authority.pem"
        _openssl("req", "-x509", *_KEY, "-keyout", self._key, "-out", self.file, "-subj", "/CN=authority")

    def serves(self, address: str) -> ssl.SSLContext:
        """For a server at an IP address, with a certificate of this authority."""
        key, certificate = self._folder / f"{address}.key", self._folder / f"{address}.pem"
        _openssl(
            "req", "-x509", *_KEY, "-keyout", key, "-out", certificate, "-subj", "/CN=server",
            "-CA", self.file, "-CAkey", self._key, "-addext", f"subjectAltName=IP:{address}",
            "-addext", "basicConstraints=critical,CA:FALSE",
        )  # fmt: skip
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate, key)
        return context


def _openssl(*arguments: str | Path) -> None:
    subprocess.run(["openssl", *arguments], check=True, capture_output=True)
