"""The mail that brings a report: a few figures, what is most urgent, and the files. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from email.message import EmailMessage
from html import escape
from typing import Final

from services.reporting.envelope import HAIR, INK, LATE, MUTED, envelope, framed
from services.reporting.wording import Wording
from shared.words import ReportFormat

MEDIA_TYPES: Final[Mapping[ReportFormat, tuple[str, str]]] = {
    ReportFormat.PDF: ("application", "pdf"),
    ReportFormat.XLSX: ("application", "vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
    ReportFormat.CSV: ("text", "csv"),
}


@dataclass(frozen=True, slots=True)
class Figure:
    """A number with its name: `Overdue`, `CHF` `1,234.50`, `3 invoices`."""

    name: str
    value: str
    unit: str = ""
    note: str = ""
    #: Something is wrong with it.
    late: bool = False


@dataclass(frozen=True, slots=True)
class Letter:
    """What a mail says, in words of its language."""

    language: str
    subject: str
    client: str
    title: str
    #: Of which days it is.
    lead: str
    #: Said instead of figures where there is nothing to tell.
    nothing: str | None = None
    figures: Sequence[Figure] = ()
    #: The most urgent: a heading, and rows of what is late, what it is, and a value.
    heading: str = ""
    rows: Sequence[tuple[str, str, str]] = field(default=())
    #: What to know or do besides.
    notes: Sequence[str] = ()


def compose(
    letter: Letter,
    files: Sequence[tuple[ReportFormat, str, bytes]],
    *,
    sender: str,
    recipient: str,
    message_id: str,
    written: datetime,
) -> EmailMessage:
    """A mail with text, HTML and the files (format, name, content)."""
    mail = envelope(
        letter.subject,
        as_text(letter),
        as_html(letter),
        language=letter.language,
        sender=sender,
        recipient=recipient,
        message_id=message_id,
        written=written,
    )
    for format, name, content in files:
        main, sub = MEDIA_TYPES[format]
        mail.add_attachment(content, maintype=main, subtype=sub, filename=name)
    return mail


def as_text(letter: Letter) -> str:
    words = Wording(letter.language)
    lines = [f"{letter.title}: {letter.client}", letter.lead, ""]
    for figure in letter.figures:
        value = f"{figure.unit} {figure.value}".strip()
        lines += [f"{figure.name}: {value}" + (f" ({figure.note})" if figure.note else "")]
    if letter.figures:
        lines += [""]
    if letter.nothing:
        lines += [letter.nothing, ""]
    if letter.rows:
        lines += [f"{letter.heading}:"]
        lines += [f"- {'  '.join(cell for cell in row if cell)}" for row in letter.rows]
        lines += [""]
    for note in letter.notes:
        lines += [note, ""]
    lines += [words("attached"), "", "-- ", words("sent_by")]
    return "\n".join(lines) + "\n"


def as_html(letter: Letter) -> str:
    """One column, tables for layout and styles in place, as mail programs need it; nothing from outside."""
    words = Wording(letter.language)
    body = "".join(
        [
            f'<p style="margin:0 0 4px;color:{MUTED};font-size:13px">{escape(letter.client)}</p>',
            f'<h1 style="margin:0 0 4px;font-size:22px;line-height:1.25;color:{INK}">'
            f"{escape(letter.title)}</h1>",
            f'<p style="margin:0 0 20px;color:{MUTED};font-size:14px">{escape(letter.lead)}</p>',
            _figures(letter),
            _rows(letter),
            *(f'<p style="margin:20px 0 0;font-size:14px">{escape(note)}</p>' for note in letter.notes),
            f'<p style="margin:20px 0 0;font-size:14px">{escape(words("attached"))}</p>',
        ]
    )
    return framed(letter.language, body, words("sent_by"))


def _figures(letter: Letter) -> str:
    nothing, rows = "", []
    if letter.nothing:
        nothing = f'<p style="margin:0;font-size:16px">{escape(letter.nothing)}</p>'
    for figure in letter.figures:
        color = LATE if figure.late else INK
        unit = f'<span style="font-size:12px">{escape(figure.unit)}</span> ' if figure.unit else ""
        note = f'<br><span style="color:{MUTED};font-size:12px">{escape(figure.note)}</span>'
        rows.append(
            f'<tr><td style="padding:9px 0;border-top:1px solid {HAIR};font-size:14px;color:{color}">'
            f"{escape(figure.name)}{note if figure.note else ''}</td>"
            f'<td align="right" style="padding:9px 0;border-top:1px solid {HAIR};font-size:17px;'
            f'white-space:nowrap;color:{color}">{unit}{escape(figure.value)}</td></tr>'
        )
    table = f'<table width="100%" cellpadding="0" cellspacing="0">{"".join(rows)}</table>' if rows else ""
    return nothing + table


def _rows(letter: Letter) -> str:
    if not letter.rows:
        return ""
    cell = f"padding:6px 0;border-top:1px solid {HAIR};font-size:13px"
    rows = "".join(
        f'<tr><td valign="top" style="{cell};padding-right:12px;white-space:nowrap;color:{LATE}">'
        f'{escape(first)}</td><td style="{cell}">{escape(what)}</td>'
        f'<td align="right" valign="top" style="{cell};padding-left:12px;white-space:nowrap">'
        f"{escape(value)}</td></tr>"
        for first, what, value in letter.rows
    )
    return (
        f'<h2 style="margin:24px 0 8px;font-size:14px;color:{INK}">{escape(letter.heading)}</h2>'
        f'<table width="100%" cellpadding="0" cellspacing="0">{rows}</table>'
    )
