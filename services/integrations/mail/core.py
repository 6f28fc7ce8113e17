"""What a mail is called and by what it is known, read from its headers only: what is in it, the conversion of
its document finds out."""

import email.errors
import email.policy
import hashlib
import re
from dataclasses import dataclass
from email.parser import BytesHeaderParser
from typing import Final

from shared.errors import TagwerkError

#: Characters of a subject and of a Message-ID that are kept.
_LONGEST: Final = 100
#: Mailboxes of Unix begin a mail with this line, which is none of its headers.
_FROM_LINE: Final = re.compile(rb"\A>?From [^\n]*\n")
_BLANK_LINE: Final = re.compile(rb"\r?\n\r?\n")
_NO_NAME: Final = re.compile(r"[\x00-\x1f\x7f-\x9f/\\:*?\"<>|\u200e\u200f\u202a-\u202e\u2066-\u2069\ufffd]+")


@dataclass(frozen=True, slots=True)
class MailHead:
    """What a mail says of itself."""

    #: Of its record: the Message-ID, which mails may share, and a part of the headers' hash, which tells them
    #: apart. The same whether the whole mail was fetched or its headers only.
    key: str
    #: Of its document.
    file_name: str


def head_of(raw: bytes) -> MailHead:
    """Of a mail, or of its headers. Never fails: what is missing or broken is left out."""
    head = _BLANK_LINE.split(_FROM_LINE.sub(b"", raw.lstrip(b"\r\n")), maxsplit=1)[0].rstrip()
    digest = hashlib.sha256(head).hexdigest()[:8]
    message_id = re.sub(r"[^!-~]", "", _header(head, "Message-ID")).strip("<>")[:_LONGEST]
    subject = " ".join(_NO_NAME.sub(" ", _header(head, "Subject")).split())[:_LONGEST].strip(" .")
    return MailHead(f"mail:{message_id or 'without-id'}/{digest}", f"{subject or 'mail'}.eml")


def check_mail(raw: bytes) -> None:
    """Raises `mail_malformed` for what is no mail at all: it has no headers."""
    head = _BLANK_LINE.split(_FROM_LINE.sub(b"", raw.lstrip(b"\r\n")), maxsplit=1)[0]
    if not re.match(rb"[!-9;-~]+[ \t]*:", head):
        raise TagwerkError(
            "mail_malformed",
            "it is empty" if not head.strip() else "it does not begin with headers, as every mail does",
            next_step="Ask the sender to send it again; if it opens in a mail program, save what it shows as "
            "PDF and upload that.",
        )


def mail_too_large(size: int, limit: int) -> TagwerkError:
    return TagwerkError(
        "mail_too_large",
        f"it has {size:,} bytes; the limit is {limit:,}",
        next_step="Save its attachments and upload them, or ask an administrator to raise "
        "TAGWERK_UPLOAD_LIMIT.",
    )


def _header(head: bytes, name: str) -> str:
    try:
        return str(BytesHeaderParser(policy=email.policy.default).parsebytes(head)[name] or "")
    except (ValueError, LookupError, TypeError, AttributeError, email.errors.MessageError):
        # The parser stumbles over some headers; as it came is better than nothing.
        found = re.search(rf"^{name}[ \t]*:([^\r\n]*)".encode(), head, re.IGNORECASE | re.MULTILINE)
        return found[1].decode("utf-8", "replace").strip() if found else ""
