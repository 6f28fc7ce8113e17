"""The mail that reminds a person: their own list, and of those for whom they stand in. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from email.message import EmailMessage
from html import escape
from uuid import UUID

from services.reporting.core import Invoice
from services.reporting.envelope import ACCENT, HAIR, INK, LATE, MUTED, envelope, framed
from services.reporting.reminders.core import Mail, Matter, Reminder
from services.reporting.reminders.words import Words
from shared.commands import Person


@dataclass(frozen=True, slots=True)
class Line:
    """An invoice in a mail, in words."""

    what: str
    invoice: str
    amount: str
    when: str
    late: bool
    notes: Sequence[str]
    document_id: UUID
    #: None where nobody knows how browsers reach the pages.
    link: str | None


@dataclass(frozen=True, slots=True)
class Section:
    heading: str
    lines: Sequence[Line]


@dataclass(frozen=True, slots=True)
class ReminderLetter:
    """What one mail says, in the language of its reader."""

    client: str
    language: str
    #: Whom it is for.
    name: str
    sections: Sequence[Section]

    @property
    def count(self) -> int:
        return len({line.document_id for section in self.sections for line in section.lines})


def letter_for(
    mail: Mail,
    client: str,
    people: Mapping[str, Person],
    invoices: Mapping[UUID, Invoice],
    today: date,
    address: str | None,
) -> ReminderLetter:
    """`address`: where browsers reach the pages, None where nobody has said."""
    reader = people[mail.recipient]
    words, shown = Words(reader.contact.language), set[tuple[UUID, Matter]]()
    sections = []
    for person in sorted(
        {one.person for one in mail.reminders}, key=lambda one: (one != mail.recipient, one)
    ):
        # What stands on the own list is not repeated on that of others.
        theirs = [
            one
            for one in mail.reminders
            if one.person == person and (one.document_id, one.matter) not in shown
        ]
        shown |= {(one.document_id, one.matter) for one in theirs}
        theirs.sort(key=lambda one: (one.due, one.document_id))
        lines = [_line(one, invoices[one.document_id], words, today, address) for one in theirs]
        if lines:
            sections.append(Section(_heading(person, mail.recipient, people, words), lines))
    return ReminderLetter(client, reader.contact.language, reader.principal.name, sections)


def _heading(person: str, reader: str, people: Mapping[str, Person], words: Words) -> str:
    if person == reader:
        return words("own")
    away = people.get(person)
    if away is None or away.contact.absent_until is None:
        return words("stands_in", who=away.principal.name if away else person)
    return words("in_place", who=away.principal.name, day=words.day(away.contact.absent_until))


def _line(one: Reminder, invoice: Invoice, words: Words, today: date, address: str | None) -> Line:
    what = "refused" if one.matter is Matter.APPROVE and invoice.payment_refused else one.matter.value
    when = "overdue" if one.due < today else "today" if one.due == today else "due"
    notes = [words("pay_by", day=words.day(invoice.due_date))] if invoice.due_date else []
    if one.step > 1:
        notes.append(words("step", step=one.step))
    number = f", {invoice.invoice_number}" if invoice.invoice_number else ""
    amount = words.amount(invoice.amount) if invoice.amount is not None else ""
    return Line(
        what=words(what),
        invoice=f"{invoice.supplier or words('unknown')}{number}",
        amount=f"{invoice.currency or ''} {amount}".strip(),
        when=words(when, day=words.day(one.due)),
        late=one.due < today,
        notes=notes,
        document_id=one.document_id,
        link=None if address is None else f"{address}/approvals/{one.document_id}",
    )


def compose(
    letter: ReminderLetter, *, sender: str, recipient: str, message_id: str, written: datetime
) -> EmailMessage:
    """The mail with text and HTML."""
    return envelope(
        Words(letter.language).counted("subject", letter.count, client=letter.client),
        as_text(letter),
        as_html(letter),
        language=letter.language,
        sender=sender,
        recipient=recipient,
        message_id=message_id,
        written=written,
    )


def as_text(letter: ReminderLetter) -> str:
    words = Words(letter.language)
    said = [words("greeting", who=letter.name), "", words.counted("title", letter.count), letter.client, ""]
    for section in letter.sections:
        said += [section.heading, ""]
        for line in section.lines:
            said += [f"- {line.what}, {line.when}", f"  {line.invoice}  {line.amount}".rstrip()]
            said += [f"  {', '.join(line.notes)}"] if line.notes else []
            said += [f"  {line.link}", ""] if line.link else [""]
    return "\n".join([*said, "-- ", words("footer")]) + "\n"


def as_html(letter: ReminderLetter) -> str:
    words = Words(letter.language)
    body = (
        f'<p style="margin:0 0 4px;color:{MUTED};font-size:13px">{escape(letter.client)}</p>'
        f'<h1 style="margin:0 0 14px;font-size:22px;line-height:1.25;color:{INK}">'
        f"{escape(words.counted('title', letter.count))}</h1>"
        f'<p style="margin:0;font-size:14px">{escape(words("greeting", who=letter.name))}</p>'
        + "".join(_section(section, words) for section in letter.sections)
    )
    return framed(letter.language, body, words("footer"))


def _section(section: Section, words: Words) -> str:
    rows = "".join(_row(line, words) for line in section.lines)
    return (
        f'<h2 style="margin:22px 0 8px;font-size:14px;color:{INK}">{escape(section.heading)}</h2>'
        f'<table width="100%" cellpadding="0" cellspacing="0">{rows}</table>'
    )


def _row(line: Line, words: Words) -> str:
    color, cell = LATE if line.late else INK, f"padding:11px 0;border-top:1px solid {HAIR}"
    style = f"color:{ACCENT};font-weight:600"
    link = (
        f'<br><a href="{escape(line.link)}" style="{style}">{escape(words("open"))}</a>' if line.link else ""
    )
    notes = "".join(f" · {escape(note)}" for note in line.notes)
    return (
        f'<tr><td style="{cell};font-size:14px;line-height:1.45">'
        f'<strong style="font-weight:600">{escape(line.invoice)}</strong><br>{escape(line.what)}<br>'
        f'<span style="font-size:12px;color:{MUTED}"><span style="color:{color}">{escape(line.when)}</span>'
        f"{notes}</span></td>"
        f'<td align="right" valign="top" style="{cell};padding-left:12px;font-size:14px;line-height:1.45;'
        f'white-space:nowrap">{escape(line.amount)}{link}</td></tr>'
    )
