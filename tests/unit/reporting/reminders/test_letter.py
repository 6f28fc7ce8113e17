"""What a mail with reminders says."""

from datetime import date
from decimal import Decimal
from typing import Any
from uuid import UUID

from services.reporting.reminders.core import Mail, Matter, Reminder
from services.reporting.reminders.letter import ReminderLetter, as_html, as_text, compose, letter_for
from shared.commands import Person
from shared.events import now
from tests.unit.reporting.reminders.test_core import DUE, away, invoice, person

INVOICES = {
    UUID(int=n): invoice(
        n, supplier=supplier, invoice_number=f"R-{n}", amount=Decimal("1234.50"), currency="CHF"
    )
    for n, supplier in enumerate(("Käserei <Oberland>", "Nordlicht AG"), 1)
}  # fmt: skip


def letter(reader: Person, *others: Person, today: date = DUE) -> ReminderLetter:
    people = {one.principal.id: one for one in (reader, *others)}
    own, other = reader.principal.id, next(iter(others)).principal.id
    reminders = [
        Reminder(UUID(int=1), Matter.APPROVE, DUE, 2, other),
        Reminder(UUID(int=1), Matter.APPROVE, DUE, 1, own),
        Reminder(UUID(int=2), Matter.ANSWER, date(2026, 3, 10), 1, other),
    ]
    return letter_for(Mail(own, reminders), "acme", people, INVOICES, today, "https://tagwerk.example")


def test_the_own_list_stands_first_and_nothing_twice() -> None:
    made = letter(person("ben"), away("ada", "ben"))
    assert [(one.heading, [line.document_id.int for line in one.lines]) for one in made.sections] == [
        ("On your list", [1]),
        ("In place of Ada, who is away until 30 Apr 2026", [2]),
    ]
    text = as_text(made)
    assert "Hello Ben,\n\n2 invoices wait for you\nacme\n" in text
    assert "- To approve, due today\n  Käserei <Oberland>, R-1  CHF 1,234.50\n" in text
    assert "- A question to answer, overdue since 10 Mar 2026\n  Nordlicht AG, R-2" in text
    assert f"https://tagwerk.example/approvals/{UUID(int=2)}\n" in text


def test_a_refused_payment_is_said() -> None:
    refused = {UUID(int=1): invoice(supplier="Nordlicht AG", payment_refused=True)}
    mail = Mail("ben", [Reminder(UUID(int=1), Matter.APPROVE, DUE, 3, "ben")])
    text = as_text(letter_for(mail, "acme", {"ben": person("ben")}, refused, DUE, None))
    assert "http" not in text
    assert (
        "- To approve again: the bank refused the payment, due today\n  Nordlicht AG\n  reminder 3\n" in text
    )


def test_it_is_written_in_the_language_of_its_reader_and_safe_to_show() -> None:
    reader = person("ben", language="de")
    made = letter(reader, away("ada", "ben"), today=date(2026, 3, 17))
    html = as_html(made)
    assert '<html lang="de">' in html
    assert "K&auml;serei" not in html
    assert "Käserei &lt;Oberland&gt;, R-1" in html
    assert "In Vertretung von Ada, abwesend bis 30.04.2026" in html
    assert "überfällig seit 12.03.2026" in html
    facts: dict[str, Any] = {"sender": "Tagwerk <t@example.com>", "message_id": "<1@example.com>"}
    mail = compose(made, recipient="ben@example.com", written=now(), **facts)
    assert (mail["Subject"], mail["Content-Language"]) == ("acme: 2 Rechnungen warten auf Sie", "de")
    assert mail["Auto-Submitted"] == "auto-generated"
    assert {part.get_content_type() for part in mail.iter_parts()} == {"text/plain", "text/html"}
