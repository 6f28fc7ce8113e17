"""Decisions about sign-in that need nothing but what they are given. Pure."""

import binascii
import hashlib
import hmac
import ipaddress
import secrets
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Mapping
from datetime import timedelta
from urllib.parse import urlsplit

from shared.access import Principal

#: Failures of one sender before an account waits for them.
FREE_FAILURES = 4
#: Failures of all strangers together before an account waits for every stranger: more than one sender alone
#: can cause, so that locking somebody out takes many.
FREE_OF_STRANGERS = 100
_FIRST_WAIT = timedelta(minutes=1)
#: So long that guessing leads nowhere.
LONGEST_WAIT = timedelta(minutes=15)
#: Failures older than this are forgotten.
FORGET_AFTER = timedelta(hours=24)

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})

#: Sent by a page that asks on its own, while nobody does anything.
FOLLOWS_HEADER = "x-follows"


def wait_after(failures: int, free: int = FREE_FAILURES) -> timedelta:
    """How long nobody may try again after so many failures in a row, of which some are free."""
    if failures <= free:
        return timedelta()
    doublings = min(failures - free - 1, 10)
    return min(_FIRST_WAIT * (1 << doublings), LONGEST_WAIT)


def address_group(address: str) -> str:
    """What counts as one sender: an IPv4 address, or the /64 network that one IPv6 customer has."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return address
    if isinstance(parsed, ipaddress.IPv4Address):
        return address
    if parsed.ipv4_mapped is not None:
        return str(parsed.ipv4_mapped)
    return str(ipaddress.ip_network((parsed, 64), strict=False))


def local_path(wanted: str | None) -> str:
    """`wanted` if it is a path of this site, else the start page: nobody is led elsewhere."""
    if not wanted or len(wanted) > 2000 or not wanted.isprintable():
        return "/"
    # Browsers read a backslash as a slash, and two slashes as the beginning of another host.
    if not wanted.startswith("/") or wanted.startswith("//") or "\\" in wanted:
        return "/"
    return wanted


def why_foreign(headers: Mapping[str, str], origin: str | None) -> str | None:
    """Why an unsafe request does not come from one of our own pages; None if it may have.

    `origin` is ours where an administrator has set it, else the header `Host` has to do. A program sends
    neither `Origin` nor `Sec-Fetch-Site`; no browser of today leaves out both.
    """
    site = headers.get("sec-fetch-site")
    if site is not None and site not in ("same-origin", "none"):
        return f"the browser says that it comes from elsewhere ({site[:20]})"
    sent = headers.get("origin")
    if sent is None or (sent == "null" and site == "same-origin"):
        return None
    if origin is not None:
        ours = _origin_of(sent) == _origin_of(origin)
    else:
        ours = urlsplit(sent).netloc.lower() == headers.get("host", "").lower() != ""
    return None if ours else f"it comes from {sent[:100]}"


def _origin_of(url: str) -> tuple[str, str | None, int | None]:
    try:
        parts = urlsplit(url)
        port = parts.port or {"http": 80, "https": 443}.get(parts.scheme)
    except ValueError:
        return ("", None, None)
    return (parts.scheme, parts.hostname, port)


def is_use(headers: Mapping[str, str]) -> bool:
    """Whether somebody does something; a page that follows a run by itself keeps no session alive."""
    return FOLLOWS_HEADER not in headers and "text/event-stream" not in headers.get("accept", "")


def secret_hash(secret: str) -> bytes:
    """What is kept of a secret of 256 random bits; such a one needs no slow hash."""
    return hashlib.sha256(secret.encode("utf-8", "surrogateescape")).digest()


def csrf_token(session_secret: str) -> str:
    """Belongs to one secret of a session, and tells nothing of it. Another one each time: the length of a
    compressed page would tell of a constant one, to who can put guesses into the page
    (https://www.breachattack.com)."""
    mac = _csrf_mac(session_secret)
    pad = secrets.token_bytes(len(mac))
    return urlsafe_b64encode(pad + _xor(pad, mac)).decode().rstrip("=")


def is_csrf_token(sent: str, session_secret: str) -> bool:
    """Whether `csrf_token` made it for the session with this secret."""
    mac = _csrf_mac(session_secret)
    try:
        both = urlsafe_b64decode(sent.encode("ascii") + b"=" * (-len(sent) % 4))
    except (UnicodeEncodeError, binascii.Error):
        return False
    if len(both) != 2 * len(mac):
        return False
    return hmac.compare_digest(_xor(both[: len(mac)], both[len(mac) :]), mac)


def _csrf_mac(session_secret: str) -> bytes:
    return hmac.digest(session_secret.encode("utf-8", "surrogateescape"), b"csrf", "sha256")


def _xor(one: bytes, other: bytes) -> bytes:
    return bytes(a ^ b for a, b in zip(one, other, strict=True))


def privileges(principal: Principal) -> bytes:
    """Changes whenever roles or clients do."""
    told = "\n".join([*sorted(principal.roles), "", *sorted(principal.clients)])
    return hashlib.sha256(told.encode()).digest()
