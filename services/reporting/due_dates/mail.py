"""The mail that brings a due-date report: what is due in a few figures, and the files. Pure."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import format_datetime, parseaddr
from html import escape
from typing import Final

from services.reporting.due_dates.summary import Summary
from services.reporting.due_dates.words import Words
from shared.words import ReportFormat

MEDIA_TYPES: Final[Mapping[ReportFormat, tuple[str, str]]] = {
    ReportFormat.PDF: ("application", "pdf"),
    ReportFormat.XLSX: ("application", "vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
    ReportFormat.CSV: ("text", "csv"),
}

#: Fonts that every mail program has; colors as in the report.
_FONT: Final = "-apple-system,'Segoe UI',Roboto,Helvetica,Arial,sans-serif"
_INK, _MUTED, _LATE, _ACCENT, _HAIR = "#1d2733", "#5c6773", "#b3372b", "#2d4fb8", "#d5dbe3"


def compose(
    summary: Summary,
    files: Sequence[tuple[ReportFormat, str, bytes]],
    *,
    sender: str,
    recipient: str,
    message_id: str,
    written: datetime,
) -> EmailMessage:
    """A mail with text, HTML and the files (format, name, content)."""
    words = Words(summary.language)
    mail = EmailMessage()
    mail["From"] = _address(sender)
    mail["To"] = recipient
    mail["Subject"] = words("subject", client=summary.client, day=words.day(summary.until))
    mail["Date"] = format_datetime(written)
    mail["Message-ID"] = message_id
    # No answers by machines to a mail of a machine (RFC 3834).
    mail["Auto-Submitted"] = "auto-generated"
    mail["Content-Language"] = summary.language
    mail.set_content(as_text(summary), cte="quoted-printable")
    mail.add_alternative(as_html(summary), subtype="html", cte="quoted-printable")
    for format, name, content in files:
        main, sub = MEDIA_TYPES[format]
        mail.add_attachment(content, maintype=main, subtype=sub, filename=name)
    return mail


def _address(sender: str) -> Address:
    name, address = parseaddr(sender)
    return Address(name, addr_spec=address)


def as_text(summary: Summary) -> str:
    words = Words(summary.language)
    lines = [
        f"{words('title')}: {summary.client}",
        f"{words('until', day=words.long_day(summary.until))} · "
        f"{words('as_of', day=words.long_day(summary.as_of))}",
        "",
    ]
    for total in summary.totals:
        lines += [
            f"{words('overdue')}: {total.currency} {words.amount(total.overdue)}"
            f" ({words.invoices(total.overdue_count)})",
            f"{words('due', day=words.day(summary.until))}: {total.currency} {words.amount(total.due)}"
            f" ({words.invoices(total.due_count)})",
            "",
        ]
    if not summary.invoices:
        lines += [words("nothing", day=words.long_day(summary.until)), ""]
    if summary.urgent:
        lines += [f"{words('urgent')}:"]
        lines += [
            f"- {words.day(one.due)}  {one.supplier or words('unknown')}  {one.currency or ''} "
            f"{words.amount(one.amount) if one.amount is not None else ''}".rstrip()
            for one in summary.urgent
        ]
        lines += [""]
    lines += [words("attached"), "", "-- ", words("sent_by")]
    return "\n".join(lines) + "\n"


def as_html(summary: Summary) -> str:
    """One column, tables for layout and styles in place, as mail programs need it; nothing from outside."""
    words = Words(summary.language)
    until, as_of = words.long_day(summary.until), words.long_day(summary.as_of)
    body = "".join(
        [
            f'<p style="margin:0 0 4px;color:{_MUTED};font-size:13px">{escape(summary.client)}</p>',
            f'<h1 style="margin:0 0 4px;font-size:22px;line-height:1.25;color:{_INK}">'
            f"{escape(words('title'))}</h1>",
            f'<p style="margin:0 0 20px;color:{_MUTED};font-size:14px">'
            f"{escape(words('until', day=until))} · {escape(words('as_of', day=as_of))}</p>",
            _figures(summary, words),
            _urgent(summary, words),
            f'<p style="margin:20px 0 0;font-size:14px">{escape(words("attached"))}</p>',
        ]
    )
    return (
        f'<!doctype html><html lang="{summary.language}"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        '<meta name="color-scheme" content="light"><title></title></head>'
        f'<body style="margin:0;background:#f2f4f7;color:{_INK};font-family:{_FONT}">'
        '<table role="presentation" width="100%" cellpadding="0" cellspacing="0"><tr>'
        '<td align="center" style="padding:24px 12px">'
        '<table role="presentation" width="100%" cellpadding="0" cellspacing="0" style="max-width:600px;'
        f'background:#ffffff;border-top:3px solid {_ACCENT};border-radius:4px"><tr>'
        f'<td style="padding:24px 28px">{body}</td></tr></table>'
        f'<p style="max-width:600px;margin:14px 0 0;color:{_MUTED};font-size:12px">'
        f"{escape(words('sent_by'))}</p></td></tr></table></body></html>"
    )


def _figures(summary: Summary, words: Words) -> str:
    if not summary.invoices:
        nothing = words("nothing", day=words.long_day(summary.until))
        return f'<p style="margin:0;font-size:16px">{escape(nothing)}</p>'
    rows = []
    for total in summary.totals:
        late = _LATE if total.overdue_count else _INK
        for name, amount, count, color in (
            (words("overdue"), total.overdue, total.overdue_count, late),
            (words("due", day=words.day(summary.until)), total.due, total.due_count, _INK),
        ):
            rows.append(
                f'<tr><td style="padding:9px 0;border-top:1px solid {_HAIR};font-size:14px;color:{color}">'
                f'{escape(name)}<br><span style="color:{_MUTED};font-size:12px">'
                f"{escape(words.invoices(count))}</span></td>"
                f'<td align="right" style="padding:9px 0;border-top:1px solid {_HAIR};font-size:17px;'
                f'white-space:nowrap;color:{color}"><span style="font-size:12px">{escape(total.currency)}'
                f"</span> {words.amount(amount)}</td></tr>"
            )
    return f'<table width="100%" cellpadding="0" cellspacing="0">{"".join(rows)}</table>'


def _urgent(summary: Summary, words: Words) -> str:
    if not summary.urgent:
        return ""
    cell = f"padding:6px 0;border-top:1px solid {_HAIR};font-size:13px"
    rows = "".join(
        f'<tr><td style="{cell};padding-right:12px;white-space:nowrap;color:{_LATE}">'
        f'{escape(words.day(one.due))}</td><td style="{cell}">{escape(one.supplier or words("unknown"))}</td>'
        f'<td align="right" style="{cell};padding-left:12px;white-space:nowrap">{escape(one.currency or "")} '
        f"{words.amount(one.amount) if one.amount is not None else ''}</td></tr>"
        for one in summary.urgent
    )
    return (
        f'<h2 style="margin:24px 0 8px;font-size:14px;color:{_INK}">{escape(words("urgent"))}</h2>'
        f'<table width="100%" cellpadding="0" cellspacing="0">{rows}</table>'
    )
