"""Secrets and personal data leave no trace in logs: taken out by type, by the name of a field, by their form.

A processor of structlog, before whatever writes the line. It makes a mistake harmless, and is no reason to
log a password.
"""

import re
from collections.abc import Mapping
from typing import Any, Final

from pydantic import SecretBytes, SecretStr
from structlog.typing import EventDict

REDACTED: Final = "***"

#: Parts of names of fields whose values nobody may read.
_SECRET_NAMES: Final = re.compile(
    r"(password|passwd|secret|token|authorization|cookie|api_?key|private_?key|nkey|seed|credential)", re.I
)
#: Of these, what tells nothing: a file's place, a number of them, when one expires.
_HARMLESS_NAMES: Final = re.compile(r"(_file|_path|_id|_count|_expires|_at)$", re.I)
#: User and password in an address: `scheme://user:password@host`.
_USERINFO: Final = re.compile(r"(?P<scheme>\b[a-z][a-z0-9+.-]*://)[^\s/@]+@", re.I)
_BEARER: Final = re.compile(r"\b(bearer|basic)\s+[a-z0-9._~+/=-]{8,}", re.I)
_EMAIL: Final = re.compile(r"\b(?P<first>[\w])[\w.+-]*@(?P<domain>[\w-]+(?:\.[\w-]+)+)")
#: Country, check digits and account; in groups of four or without spaces.
_IBAN: Final = re.compile(r"\b(?P<first>[A-Z]{2}\d{2})(?: ?[A-Z0-9]{4}){2,7}(?: ?[A-Z0-9]{1,4})?\b")


def redact(_: object, __: str, line: EventDict) -> EventDict:
    """The line without what must not stand in it."""
    return {name: _value(name, value) for name, value in line.items()}


def redact_text(text: str) -> str:
    """A text without passwords in addresses, bearer tokens, whole e-mail addresses and account numbers."""
    if "://" in text:
        text = _USERINFO.sub(rf"\g<scheme>{REDACTED}@", text)
    if "@" in text:
        text = _EMAIL.sub(rf"\g<first>{REDACTED}@\g<domain>", text)
    text = _BEARER.sub(rf"\1 {REDACTED}", text)
    return _IBAN.sub(_short, text)


def _value(name: str, value: Any) -> Any:
    if isinstance(value, SecretStr | SecretBytes):
        return REDACTED
    if value is not None and _SECRET_NAMES.search(name) and not _HARMLESS_NAMES.search(name):
        return REDACTED
    if isinstance(value, str):
        return redact_text(value)
    if isinstance(value, Mapping):
        return {key: _value(str(key), inner) for key, inner in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_value(name, inner) for inner in value]
    return value


def _short(found: re.Match[str]) -> str:
    """Enough to recognize an account: its country and its last four characters."""
    return f"{found['first']}…{found[0].replace(' ', '')[-4:]}"
