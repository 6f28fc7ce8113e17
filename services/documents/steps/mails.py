"""Take an e-mail apart: its head, its body, what belongs to the body, and what was attached.

`.eml` is RFC 5322 with MIME (RFC 2045 to 2049). Mails of the real world break all of them, so every header
and part is asked for by itself, and what cannot be decoded is kept as it came. For `.msg` see `outlook`.
"""

import contextlib
import email.errors
import email.message
import email.policy
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from email.parser import BytesParser
from pathlib import Path
from typing import Any, Final

from shared.process_child import Refused

#: Parts of one mail, and how deep they may lie in each other.
MAX_PARTS: Final = 1000
MAX_DEPTH: Final = 50
#: Attachments of one mail that become documents.
MAX_ATTACHMENTS: Final = 200

_HEAD: Final = (("From", "From"), ("To", "To"), ("Cc", "Cc"), ("Date", "Date"), ("Subject", "Subject"))
#: What comes with mails and is no document -> why.
SKIPPED: Final = {
    "application/pkcs7-signature": "it is the signature of the mail, not a document",
    "application/x-pkcs7-signature": "it is the signature of the mail, not a document",
    "application/pgp-signature": "it is the signature of the mail, not a document",
    "message/delivery-status": "it is a report of mail servers, not a document",
    "message/disposition-notification": "it is a report of mail servers, not a document",
    "message/rfc822-headers": "it is a report of mail servers, not a document",
    "text/rfc822-headers": "it is a report of mail servers, not a document",
}
#: The first line of a part: a boundary, before a header that only parts have.
_BOUNDARY: Final = re.compile(r'^--([^\s"][^\r\n"]{0,100}?)[ \t]*\r?\nContent-', re.MULTILINE | re.IGNORECASE)
POLICY: Final = email.policy.default.clone(refold_source="none")


@dataclass(frozen=True, slots=True)
class Attached:
    """One thing that came with a mail."""

    name: str
    media_type: str
    data: bytes
    #: Why it becomes no document, and nobody misses it.
    skipped: str | None = None
    #: Why it cannot become one.
    lost: str | None = None


@dataclass(slots=True)
class Mail:
    #: Label and value, in the order shown.
    head: list[tuple[str, str]] = field(default_factory=list)
    subject: str = ""
    text: str | None = None
    html: str | None = None
    #: Content-ID -> picture that the HTML body shows.
    inline: dict[str, bytes] = field(default_factory=dict)
    attached: list[Attached] = field(default_factory=list)


def read_eml(path: Path) -> Mail:
    """The mail in the file at `path`. Raises `Refused` (`mail_broken`, `document_too_large`)."""
    raw = path.read_bytes()
    # Mailboxes begin a mail with this line, which is none of its headers.
    raw = re.sub(rb"\A>?From [^\n]*\n", b"", raw.lstrip(b"\r\n"))
    # Every part costs a boundary: thousands are seen before they are parsed.
    if raw.count(b"\n--") > 20 * MAX_PARTS:
        raise _too_many_parts(raw.count(b"\n--"))
    try:
        message = BytesParser(policy=POLICY).parsebytes(raw)
        parts = list(_parts(message))
    except RecursionError as error:
        raise too_deep() from error
    except (ValueError, LookupError, TypeError, AttributeError, email.errors.MessageError) as error:
        raise broken(str(error) or type(error).__name__) from error
    mail = Mail(subject=_header(message, "Subject"))
    mail.head = [(label, value) for label, name in _HEAD if (value := _header(message, name))]
    bodies = _choose_bodies(parts)
    mail.text = _text_of(bodies["plain"]) if "plain" in bodies else None
    mail.html = _text_of(bodies["html"]) if "html" in bodies else None
    for part in parts:
        if part in bodies.values() or part.get_content_maintype() == "multipart":
            continue
        _sort_in(mail, part)
    check_attached(mail)
    return mail


def _parts(message: Any, depth: int = 0, seen: list[int] | None = None) -> Iterator[Any]:
    """The parts of a mail in their order, not those of mails within it."""
    seen = [0] if seen is None else seen
    if depth > MAX_DEPTH:
        raise too_deep()
    seen[0] += 1
    if seen[0] > MAX_PARTS:
        raise _too_many_parts(seen[0])
    yield message
    if message.get_content_maintype() != "multipart":
        return
    if message.is_multipart():
        for part in message.get_payload():
            yield from _parts(part, depth + 1, seen)
    # A boundary that ends too early, or is not the one that was announced, hides parts in what remains.
    hidden = message.epilogue if message.is_multipart() else message.get_payload()
    for part in _parts_hidden_in(hidden):
        yield from _parts(part, depth + 1, seen)


def _parts_hidden_in(rest: Any) -> list[Any]:
    boundary = _BOUNDARY.search(rest) if isinstance(rest, str) else None
    if boundary is None:
        return []
    head = f'Content-Type: multipart/mixed; boundary="{boundary.group(1)}"\n\n'
    found = BytesParser(policy=POLICY).parsebytes((head + rest).encode("ascii", "surrogateescape"))
    return list(found.get_payload()) if found.is_multipart() else []


def _choose_bodies(parts: list[Any]) -> dict[str, Any]:
    """The first plain and the first HTML text that is not attached."""
    bodies: dict[str, Any] = {}
    for part in parts:
        kind = part.get_content_type()
        if kind in ("text/plain", "text/html") and _disposition(part) != "attachment" and not _name_of(part):
            bodies.setdefault(kind.removeprefix("text/"), part)
    return bodies


def _sort_in(mail: Mail, part: Any) -> None:
    """Put a part where it belongs: shown in the body, a document of its own, or neither."""
    media_type = part.get_content_type()
    content_id = one_line(str(part.get("Content-ID", ""))).strip("<> ")
    data = _content_of(part)
    if media_type.startswith("image/") and content_id and mail.html and f"cid:{content_id}" in mail.html:
        mail.inline[content_id] = data
        return
    name = _name_of(part)
    if not name and media_type in ("text/plain", "text/html"):
        # Further text between attachments, and what mailing lists append.
        with contextlib.suppress(LookupError, ValueError):
            text = _text_of(part)
            if media_type == "text/plain" and mail.text is not None:
                mail.text = f"{mail.text.rstrip()}\n\n{text}"
        return
    if not data and not name:
        return
    name = name or _default_name(part, media_type, len(mail.attached) + 1)
    mail.attached.append(Attached(name, media_type, data, skipped=SKIPPED.get(media_type)))


def _default_name(part: Any, media_type: str, number: int) -> str:
    if media_type == "message/rfc822":
        subject = _header(part.get_payload(0), "Subject") if part.is_multipart() else ""
        return f"{file_name(subject)[:100] or f'mail-{number}'}.eml"
    kind = {"image/jpeg": "jpg", "text/plain": "txt"}.get(media_type, media_type.rpartition("/")[2])
    return f"attachment-{number}.{kind}"


def _content_of(part: Any) -> bytes:
    """The bytes of a part; of a mail within the mail, that mail."""
    if part.get_content_maintype() == "message":
        inner = part.get_payload(0) if part.is_multipart() else None
        if inner is None:
            return str(part.get_payload()).encode("utf-8", "surrogateescape")
        return bytes(inner.as_bytes(policy=POLICY))
    with contextlib.suppress(ValueError, TypeError, LookupError):
        data = part.get_payload(decode=True)
        if isinstance(data, bytes):
            return data
    return str(part.get_payload()).encode("utf-8", "surrogateescape")


def _text_of(part: Any) -> str:
    """A text part in its declared encoding; a wrong one gives way to UTF-8, then to cp1252."""
    from services.documents.steps.texts import decoded

    data = _content_of(part)
    charset = None
    with contextlib.suppress(LookupError, ValueError, TypeError, AttributeError):
        charset = part.get_content_charset()
    if charset:
        with contextlib.suppress(LookupError, UnicodeDecodeError):
            return data.decode(charset)
    return decoded(data)


def _name_of(part: Any) -> str:
    try:
        name = part.get_filename() or ""
    except (ValueError, LookupError, TypeError, AttributeError):
        name = ""
    return file_name(one_line(str(name)))


def file_name(text: str) -> str:
    """The last part of what a mail calls a file, without what no file name has."""
    return re.sub(r"[\x00-\x1f<>:\"|?*]", "-", re.split(r"[/\\]", text)[-1]).strip(" .")[:200]


def _disposition(part: Any) -> str:
    try:
        return str(part.get_content_disposition() or "")
    except (ValueError, LookupError, TypeError, AttributeError):
        return ""


def _header(message: Any, name: str) -> str:
    """A header in one line; one that the standard library cannot take apart, as it stands."""
    try:
        return one_line(str(message.get(name, "")))
    except (ValueError, LookupError, TypeError, AttributeError):
        raw = next((value for key, value in message.raw_items() if key.lower() == name.lower()), "")
        return one_line(str(raw))


def one_line(text: str) -> str:
    readable = text.encode("utf-8", "replace").decode("utf-8")
    return " ".join(readable.split())[:2000]


def check_attached(mail: Mail) -> None:
    if len(mail.attached) > MAX_ATTACHMENTS:
        raise Refused(
            "document_too_large",
            f"the mail has {len(mail.attached)} attachments; at most {MAX_ATTACHMENTS} become documents",
            "Save the attachments out of the mail program and upload them.",
        )


def _too_many_parts(count: int) -> Refused:
    return Refused(
        "document_too_large",
        f"the mail has more than {min(count, MAX_PARTS)} parts, as attacks have and no mail of a person",
        "Open it in a mail program, and upload what is needed of it.",
    )


def too_deep() -> Refused:
    return Refused(
        "document_too_large",
        f"the parts of the mail lie in each other more than {MAX_DEPTH} deep",
        "Open it in a mail program, and upload what is needed of it.",
    )


def broken(detail: str) -> Refused:
    return Refused(
        "mail_broken",
        f"the mail cannot be taken apart: {detail}",
        "Open it in a mail program, save it as .eml or print it to PDF, and upload that.",
    )
