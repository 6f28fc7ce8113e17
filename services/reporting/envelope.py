"""What all mails share: headers, text and HTML side by side, and how they look. Pure."""

from datetime import datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import format_datetime, parseaddr
from html import escape
from typing import Final

#: Fonts that every mail program has; colors as in the report.
FONT: Final = "-apple-system,'Segoe UI',Roboto,Helvetica,Arial,sans-serif"
INK, MUTED, LATE, ACCENT, HAIR = "#1d2733", "#5c6773", "#b3372b", "#2d4fb8", "#d5dbe3"


def envelope(
    subject: str,
    text: str,
    html: str,
    *,
    language: str,
    sender: str,
    recipient: str,
    message_id: str,
    written: datetime,
) -> EmailMessage:
    """A mail with text and HTML."""
    mail = EmailMessage()
    mail["From"] = _address(sender)
    mail["To"] = recipient
    mail["Subject"] = subject
    mail["Date"] = format_datetime(written)
    mail["Message-ID"] = message_id
    # No answers by machines to a mail of a machine (RFC 3834).
    mail["Auto-Submitted"] = "auto-generated"
    mail.set_content(text, cte="quoted-printable")
    mail.add_alternative(html, subtype="html", cte="quoted-printable")
    # Before, it would go into the first part.
    mail["Content-Language"] = language
    return mail


def _address(sender: str) -> Address:
    name, address = parseaddr(sender)
    return Address(name, addr_spec=address)


def framed(language: str, body: str, footer: str) -> str:
    """A page with `body`, which is HTML, and a last line."""
    return (
        f'<!doctype html><html lang="{language}"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        '<meta name="color-scheme" content="light"><title></title></head>'
        f'<body style="margin:0;background:#f2f4f7;color:{INK};font-family:{FONT}">'
        '<table role="presentation" width="100%" cellpadding="0" cellspacing="0"><tr>'
        '<td align="center" style="padding:24px 12px">'
        '<table role="presentation" width="100%" cellpadding="0" cellspacing="0" style="max-width:600px;'
        f'background:#ffffff;border-top:3px solid {ACCENT};border-radius:4px"><tr>'
        f'<td style="padding:24px 28px">{body}</td></tr></table>'
        f'<p style="max-width:600px;margin:14px 0 0;color:{MUTED};font-size:12px">'
        f"{escape(footer)}</p></td></tr></table></body></html>"
    )
