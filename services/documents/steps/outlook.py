"""Take an Outlook message apart (`.msg`, MS-OXMSG); a message within it becomes an `.eml` of its own."""

import email
import hashlib
from email.message import EmailMessage
from pathlib import Path
from typing import Any, Final

from services.documents.steps.mails import (
    MAX_DEPTH,
    POLICY,
    SKIPPED,
    Attached,
    Mail,
    broken,
    check_attached,
    file_name,
    one_line,
    too_deep,
)
from shared.process_child import Refused

#: PidTagAttachContentId (MS-OXPROPS 2.588).
_CONTENT_ID: Final = 0x3712
#: Where an attachment keeps a message: PidTagAttachDataObject, of type PtypObject (MS-OXMSG 2.2.2).
_EMBEDDED: Final = "__substg1.0_3701000D"
#: Bytes before the properties of a message within a message (MS-OXMSG 2.4.1.2).
_EMBEDDED_HEADER: Final = 24


def read_msg(path: Path) -> Mail:
    """The Outlook message in the file at `path`. Raises `Refused` (`mail_broken`, `document_too_large`)."""
    # Only now: most mails are of the other kind.
    from olefile import OleFileIO
    from oxmsg import Message
    from oxmsg.storage import Storage

    try:
        with OleFileIO(str(path)) as file:
            storage = Storage.from_ole(file)
            _check_complete(file, storage)
        mail = _mail_of(Message(storage), 0)
    except Refused:
        raise
    except RecursionError as error:
        raise too_deep() from error
    except (
        OSError,
        ValueError,
        LookupError,
        TypeError,
        AttributeError,
        AssertionError,
        ArithmeticError,
    ) as error:
        raise broken(str(error) or type(error).__name__) from error
    check_attached(mail)
    return mail


def _check_complete(file: Any, storage: Any) -> None:
    """Refuse a file that was cut off: what remains of it is read without a word."""
    for stream in storage.streams:
        size = file.get_size(stream.path)
        if size != len(stream.bytes_):
            raise broken(f"{len(stream.bytes_):,} of {size:,} bytes of a part are there; it was cut off")
    for below in storage.storages:
        _check_complete(file, below)


def _mail_of(message: Any, depth: int) -> Mail:
    if depth > MAX_DEPTH:
        raise too_deep()
    mail = Mail(subject=one_line(message.subject))
    said = {name.lower(): value for name, value in message.message_headers.items()}
    recipients = ", ".join(_named(one.name, one.email_address) for one in message.recipients)
    date = str(message.sent_date.isoformat(" ", "seconds")) if message.sent_date else ""
    found = {
        "From": message.sender or "",
        "To": said.get("to") or recipients,
        "Cc": said.get("cc", ""),
        "Date": said.get("date") or date,
        "Subject": message.subject,
    }
    mail.head = [(label, one_line(value)) for label, value in found.items() if value]
    mail.text, mail.html = message.body, message.html_body
    for number, attachment in enumerate(message.attachments, start=1):
        _sort_in(mail, attachment, number, depth)
    return mail


def _sort_in(mail: Mail, attachment: Any, number: int, depth: int) -> None:
    data = attachment.file_bytes
    if data is None:
        mail.attached.append(_embedded(attachment, number, depth))
        return
    name = attachment.file_name or f"attachment-{number}"
    content_id = attachment.properties.str_prop_value(_CONTENT_ID) or ""
    media_type = (attachment.mime_type or "").lower()
    if content_id and mail.html and f"cid:{content_id}" in mail.html:
        mail.inline[content_id] = data
        return
    mail.attached.append(Attached(name, media_type, data, skipped=SKIPPED.get(media_type)))


def _embedded(attachment: Any, number: int, depth: int) -> Attached:
    """The message that lies in an attachment; what lies there else cannot be taken out."""
    storage = next((one for one in attachment._storage.storages if one.name == _EMBEDDED), None)
    # An object of another program lies there in the same way, without properties.
    if storage is None or not any(one.name == "__properties_version1.0" for one in storage.streams):
        name = attachment.file_name or f"attachment-{number}"
        why = "it is an object or a link within the Outlook file, which is not taken out of it"
        return Attached(name, "application/octet-stream", b"", lost=why)
    mail = _mail_of(_message_in(storage), depth + 1)
    name = file_name(mail.subject)[:100] or f"mail-{number}"
    return Attached(f"{name}.eml", "message/rfc822", _as_eml(mail))


def _message_in(storage: Any) -> Any:
    from oxmsg import Message
    from oxmsg.properties import Properties

    message = Message(storage)
    message.__dict__["_properties"] = Properties(storage, properties_header_offset=_EMBEDDED_HEADER)
    return message


def _as_eml(mail: Mail) -> bytes:
    """The mail as RFC 5322: the same one gives the same bytes, as a document is known by them."""
    message = EmailMessage(policy=POLICY)
    for label, value in mail.head:
        message[label] = value
    lost = "".join(f"\n\n[{one.name}: {one.lost}]" for one in mail.attached if one.lost)
    if mail.text or lost or not mail.html:
        message.set_content((mail.text or "") + lost)
    if mail.html:
        if message.get_content_maintype() == "text":
            message.add_alternative(mail.html, subtype="html")
            shown: Any = message.get_payload(1)
        else:
            message.set_content(mail.html, subtype="html")
            shown = message
        for content_id, data in mail.inline.items():
            shown.add_related(data, "image", "x-unknown", cid=f"<{content_id}>")
    for one in mail.attached:
        _attach(message, one)
    digest = hashlib.sha256(repr(mail).encode("utf-8", "replace")).hexdigest()[:40]
    for number, part in enumerate(message.walk()):
        if part.is_multipart() and part.get_content_maintype() == "multipart":
            part.set_boundary(f"{digest}-{number}")
    return message.as_bytes()


def _attach(message: EmailMessage, one: Attached) -> None:
    if one.lost:
        return
    if one.media_type == "message/rfc822":
        message.add_attachment(email.message_from_bytes(one.data, policy=POLICY), filename=one.name)
        return
    main, _, sub = one.media_type.partition("/")
    if not sub or main in ("message", "multipart"):
        main, sub = "application", "octet-stream"
    message.add_attachment(one.data, main, sub, filename=one.name)


def _named(name: str | None, address: str | None) -> str:
    return f"{name} <{address}>" if name and address and name != address else (name or address or "")
