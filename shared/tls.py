"""TLS with certificates from files, taken up when they are renewed; and nothing plain over a network."""

import ssl
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final, Self
from urllib.parse import parse_qs, unquote, urlsplit

import structlog

from shared.errors import TagwerkError

log = structlog.get_logger(__name__)

_LOOPBACK: Final = frozenset({"127.0.0.1", "::1", "localhost"})
#: Of PostgreSQL's modes those in which the server proves who it is.
_VERIFIED: Final = frozenset({"verify-ca", "verify-full"})


class FileContext(ssl.SSLContext):
    """A context whose certificates lie in files. Each new connection looks whether they have changed, so a
    renewed certificate, or another authority, counts from the next connection on.

    Files that cannot be read, or do not fit each other (one of two is renewed already), leave what was there
    before in force, with a warning.
    """

    _ca: Path | None
    _certificate: Path | None
    _key: Path | None
    _server: bool
    _current: ssl.SSLContext
    _seen: tuple[tuple[int, int, int] | None, ...]

    @classmethod
    def client(cls, ca: Path | None, certificate: Path | None = None, key: Path | None = None) -> Self:
        """Believes servers whose certificate `ca` signed, or else the authorities of the system, and shows
        `certificate` where it is given. Raises `certificates_unreadable`."""
        return cls._opened(ca, certificate, key, server=False)

    @classmethod
    def server(cls, certificate: Path, key: Path) -> Self:
        """Shows `certificate`, with the chain to its authority. Raises `certificates_unreadable`."""
        return cls._opened(None, certificate, key, server=True)

    @classmethod
    def _opened(cls, ca: Path | None, certificate: Path | None, key: Path | None, *, server: bool) -> Self:
        context = cls(ssl.PROTOCOL_TLS_SERVER if server else ssl.PROTOCOL_TLS_CLIENT)
        context._ca, context._certificate, context._key, context._server = ca, certificate, key, server
        context._seen = context._look()
        try:
            context._current = context._read()
        except (OSError, ssl.SSLError) as error:
            named = ", ".join(str(file) for file in (ca, certificate, key) if file is not None)
            raise TagwerkError(
                "certificates_unreadable",
                f"the certificates in {named} cannot be used: {error.strerror or error}",
                concern=named,
                next_step="Check that each file is there, in PEM, readable by the account of the service, and"
                " that the key belongs to the certificate.",
            ) from error
        return context

    def wrap_bio(self, *arguments: Any, **options: Any) -> ssl.SSLObject:
        """What the event loop asks for at each connection."""
        return self._renewed().wrap_bio(*arguments, **options)

    def wrap_socket(self, *arguments: Any, **options: Any) -> ssl.SSLSocket:
        """The same for a library that works with sockets, such as that of MQTT."""
        return self._renewed().wrap_socket(*arguments, **options)

    def _renewed(self) -> ssl.SSLContext:
        seen = self._look()
        if seen != self._seen:
            try:
                self._current, self._seen = self._read(), seen
                log.info("certificates were renewed", certificate=str(self._certificate or self._ca))
            except (OSError, ssl.SSLError) as error:
                log.warning(
                    "renewed certificates cannot be used; those of before stay in force",
                    certificate=str(self._certificate or self._ca), why=str(error),
                )  # fmt: skip
        return self._current

    def _look(self) -> tuple[tuple[int, int, int] | None, ...]:
        return tuple(_stamp(file) for file in (self._ca, self._certificate, self._key) if file is not None)

    def _read(self) -> ssl.SSLContext:
        if self._server:
            context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        else:
            context = ssl.create_default_context(cafile=None if self._ca is None else str(self._ca))
        if self._certificate is not None:
            # A key with a password would be asked for on the terminal.
            context.load_cert_chain(self._certificate, self._key, password=lambda: "")
        return context


def _stamp(file: Path) -> tuple[int, int, int] | None:
    try:
        found = file.stat()
    except OSError:
        return None
    return found.st_ino, found.st_mtime_ns, found.st_size


def hosts(named: str | None) -> frozenset[str]:
    """Of the setting `TAGWERK_PLAINTEXT_HOSTS`."""
    return frozenset(host.strip().lower() for host in (named or "").split(",") if host.strip())


def refuse_plain_bus(url: str, allowed: frozenset[str], *, setting: str = "TAGWERK_NATS_URL") -> None:
    """Raises `plaintext_refused` for a bus that is reached over a network without TLS."""
    for address in url.split(","):
        parts = urlsplit(address.strip())
        if parts.scheme != "tls" and not _may_be_plain(parts.hostname, allowed):
            raise _plaintext_refused(
                setting, f"what goes to nats-server at {parts.hostname} would not be encrypted", "tls://…"
            )


def refuse_plain_database(
    url: str, allowed: frozenset[str], *, setting: str = "TAGWERK_DATABASE_URL"
) -> None:
    """Raises `plaintext_refused` for a database that is reached over a network without TLS, or with one that
    does not say who answers."""
    parts = urlsplit(url)
    query = parse_qs(parts.query)
    mode = query.get("sslmode", ["prefer"])[-1]
    if mode in _VERIFIED:
        return
    for host in _hosts_of_database(parts.netloc, query):
        if not host.startswith("/") and not _may_be_plain(host, allowed):
            cause = (
                f"PostgreSQL at {host} would not prove who it is"
                if mode == "require"
                else f"what goes to PostgreSQL at {host} might not be encrypted"
            )
            raise _plaintext_refused(
                setting, cause, "?sslmode=verify-full&sslrootcert=/path/of/authority.pem"
            )


def refuse_plain_listener(host: str, allowed: frozenset[str]) -> None:
    """Raises `plaintext_refused` for a gateway that a network can reach without TLS."""
    if not _may_be_plain(host, allowed):
        raise _plaintext_refused(
            "TAGWERK_HTTP_HOST",
            f"browsers would reach the gateway at {host} without encryption",
            "TAGWERK_HTTP_CERT_FILE and TAGWERK_HTTP_KEY_FILE",
        )


def _hosts_of_database(netloc: str, query: dict[str, list[str]]) -> Sequence[str]:
    """All that the address names: several stand behind each other, and a socket's folder in the query."""
    named = netloc.rpartition("@")[2] or ",".join(query.get("host", [""]))
    return [
        unquote(one[1:].partition("]")[0] if one.startswith("[") else one.partition(":")[0])
        for one in named.split(",")
    ]


def _may_be_plain(host: str | None, allowed: frozenset[str]) -> bool:
    return host is not None and (host.lower() in _LOOPBACK or host.lower() in allowed)


def _plaintext_refused(setting: str, cause: str, instead: str) -> TagwerkError:
    return TagwerkError(
        "plaintext_refused",
        f"{setting}: {cause}",
        concern=setting,
        next_step=f"Use TLS ({instead}). Where the network encrypts by itself, or does not leave the machine,"
        " name the host in TAGWERK_PLAINTEXT_HOSTS.",
    )
