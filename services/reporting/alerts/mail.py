"""The mail that tells of alerts. Pure."""

from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import format_datetime, parseaddr
from html import escape
from typing import Final

from services.reporting.alerts.content import Content, Item
from services.reporting.alerts.words import Words
from shared.words import Severity

#: Fonts that every mail program has; colors as on the pages.
_FONT: Final = "-apple-system,'Segoe UI',Roboto,Helvetica,Arial,sans-serif"
_INK, _MUTED, _BAD, _CAREFUL, _GOOD, _ACCENT = (
    "#1d2733", "#5c6773", "#b3372b", "#9a6400", "#2c7a3f", "#2d4fb8",
)  # fmt: skip


def compose(
    content: Content,
    words: Words,
    *,
    rule: str,
    sender: str,
    recipient: str,
    message_id: str,
    address: str | None,
) -> EmailMessage:
    """A mail with text and HTML; `address` is where the pages are, None where nobody has said."""
    mail = EmailMessage()
    name, bare = parseaddr(sender)
    mail["From"] = Address(name, addr_spec=bare)
    mail["To"] = recipient
    mail["Subject"] = _line(_subject(content, words))
    mail["Date"] = format_datetime(content.written_at)
    mail["Message-ID"] = message_id
    # No answers by machines to a mail of a machine (RFC 3834).
    mail["Auto-Submitted"] = "auto-generated"
    mail["Content-Language"] = words.language
    mail.set_content(_as_text(content, words, rule, address), cte="quoted-printable")
    mail.add_alternative(_as_html(content, words, rule, address), subtype="html", cte="quoted-printable")
    return mail


def _subject(content: Content, words: Words) -> str:
    first = words.headline(content.items[0])
    number = len(content.items) + content.more
    return first if number == 1 else words("several", n=number, sentence=first)


def _as_text(content: Content, words: Words, rule: str, address: str | None) -> str:
    lines = []
    for item in content.items:
        lines += [words.headline(item), ", ".join(words.facts(item))]
        if item.closed_at is None:
            lines += [
                f"{words('why')}: {words.said(item.why)}",
                f"{words('next')}: {words.said(item.next_step)}",
            ]
        if address and item.run_id:
            lines.append(f"{words('run')}: {address}/runs/{item.run_id}")
        lines.append("")
    if content.more:
        lines += [words("more", n=content.more), ""]
    if address:
        lines += [f"{words('all')}: {address}/alerts", ""]
    return "\n".join([*lines, "-- ", words("sent_by", rule=rule)]) + "\n"


def _as_html(content: Content, words: Words, rule: str, address: str | None) -> str:
    """One column, tables for layout and styles in place, as mail programs need it; nothing from outside."""
    body = "".join(_item(item, words, address) for item in content.items)
    if content.more:
        body += f'<p style="margin:0 0 12px">{escape(words("more", n=content.more))}</p>'
    if address:
        body += (
            f'<p style="margin:8px 0 0;font-size:14px"><a style="color:{_ACCENT}" '
            f'href="{escape(address)}/alerts">{escape(words("all"))}</a></p>'
        )
    return (
        f'<!doctype html><html lang="{words.language}"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        '<meta name="color-scheme" content="light"><title></title></head>'
        f'<body style="margin:0;background:#f2f4f7;color:{_INK};font-family:{_FONT}">'
        '<table role="presentation" width="100%" cellpadding="0" cellspacing="0"><tr>'
        '<td align="center" style="padding:24px 12px">'
        '<table role="presentation" width="100%" cellpadding="0" cellspacing="0" style="max-width:600px;'
        f'background:#ffffff;border-radius:4px"><tr><td style="padding:20px 28px">{body}</td></tr></table>'
        f'<p style="max-width:600px;margin:14px 0 0;color:{_MUTED};font-size:12px">'
        f"{escape(words('sent_by', rule=rule))}</p></td></tr></table></body></html>"
    )


def _item(item: Item, words: Words, address: str | None) -> str:
    over = item.closed_at is not None
    color = _GOOD if over else _BAD if item.severity is Severity.CRITICAL else _CAREFUL
    parts = [
        f'<h1 style="margin:0;font-size:17px;line-height:1.3;color:{_INK}">'
        f"{escape(words.headline(item))}</h1>",
        f'<p style="margin:2px 0 8px;color:{_MUTED};font-size:13px">'
        f"{escape(', '.join(words.facts(item)))}</p>",
    ]
    if not over:
        parts += [
            f'<p style="margin:0 0 6px;font-size:14px">{escape(words.said(item.why))}</p>',
            f'<p style="margin:0 0 6px;font-size:14px"><strong>{escape(words("next"))}:</strong> '
            f"{escape(words.said(item.next_step))}</p>",
        ]
    if address and item.run_id:
        parts.append(
            f'<p style="margin:0;font-size:14px"><a style="color:{_ACCENT}" '
            f'href="{escape(address)}/runs/{item.run_id}">{escape(words("run"))}</a></p>'
        )
    return (
        f'<div style="margin:0 0 16px;padding:2px 0 4px 14px;border-left:4px solid {color}">'
        f"{''.join(parts)}</div>"
    )


def _line(text: str) -> str:
    return " ".join(text.split())[:200]
