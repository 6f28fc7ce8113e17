"""Cookies of sign-in: their names and flags, as the address of the site demands."""

from dataclasses import dataclass
from http.cookies import Morsel, SimpleCookie
from urllib.parse import urlsplit

from shared.settings import Settings

SESSION = "tagwerk_session"
DEVICE = "tagwerk_device"
OPENID = "tagwerk_openid"

_LOOPBACK = ("127.", "localhost", "::1", "[::1]")


@dataclass(frozen=True, slots=True)
class Cookies:
    """Whether they travel over TLS only. `__Host-` ties them to exactly this host, against its neighbours."""

    secure: bool

    @classmethod
    def of(cls, settings: Settings) -> "Cookies":
        """Not secure only where plain HTTP is spoken on the loopback interface."""
        url = urlsplit(address_of(settings))
        return cls(secure=not (url.scheme == "http" and (url.hostname or "").startswith(_LOOPBACK)))

    def name(self, name: str) -> str:
        return f"__Host-{name}" if self.secure else name

    def header(self, name: str, value: str, *, seconds: int | None = None) -> str:
        """The value of `Set-Cookie`; without `seconds` it ends with the browser, 0 removes it."""
        jar: SimpleCookie = SimpleCookie()
        jar[self.name(name)] = value
        morsel: Morsel[str] = jar[self.name(name)]
        morsel["path"], morsel["httponly"], morsel["samesite"] = "/", True, "Lax"
        if self.secure:
            morsel["secure"] = True
        if seconds is not None:
            morsel["max-age"] = seconds
        return morsel.OutputString()


def address_of(settings: Settings) -> str:
    """At which browsers reach the gateway, as far as anybody has told."""
    host = settings.http_host
    scheme = "http" if settings.http_cert_file is None else "https"
    return settings.public_url or f"{scheme}://{f'[{host}]' if ':' in host else host}:{settings.http_port}"
