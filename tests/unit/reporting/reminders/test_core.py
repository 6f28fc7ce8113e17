"""Who is reminded of what, by roles, steps, absences and what was sent before."""

from datetime import date
from typing import Any, Final
from uuid import UUID

from services.reporting.core import Invoice, InvoiceState
from services.reporting.reminders.core import Mail, Matter, Plan, Reminder, plan_reminders
from services.reporting.reminders.rules import DEFAULT_RULES, ReminderStep, Rules
from shared.access import Principal
from shared.commands import Contact, Person
from shared.events import now

#: A Thursday.
DUE: Final = date(2026, 3, 12)
INVOICE: Final = UUID(int=1)


def invoice(number: int = 1, **changes: Any) -> Invoice:
    facts: dict[str, Any] = {
        "document_id": UUID(int=number), "client": "acme", "kind": "invoice", "state": InvoiceState.WAITING,
        "since": now(), "role": "accounting", "approval_due": DUE,
    }  # fmt: skip
    return Invoice(**{**facts, **changes})


def person(id: str, *roles: str, **contact: Any) -> Person:
    return Person(
        principal=Principal(
            id=id, name=id.title(), roles=frozenset(roles or ("accounting",)), clients=frozenset({"acme"})
        ),
        contact=Contact(**{"email": f"{id}@example.com", **contact}),
    )


def away(id: str, substitute: str | None = None, *roles: str) -> Person:
    return person(id, *roles, absent_from=DUE, absent_until=date(2026, 4, 30), substitute=substitute)


def plan(
    *people: Person,
    invoices: tuple[Invoice, ...] = (invoice(),),
    known: tuple[Reminder, ...] = (),
    today: date = DUE,
    rules: Rules = DEFAULT_RULES,
) -> Plan:
    return plan_reminders(invoices, people, rules, known, today)


def told(plan: Plan) -> dict[str, list[tuple[str, int, int]]]:
    """Recipient -> whose, which invoice, which step."""
    return {
        mail.recipient: [(one.person, one.document_id.int, one.step) for one in mail.reminders]
        for mail in plan.mails
    }


def test_each_person_gets_one_mail_with_their_own_list() -> None:
    made = plan(
        person("ada"), person("ben", "trustee"), person("cleo", "clerk"),
        invoices=(invoice(1), invoice(2, role="trustee"), invoice(3, approval_due=date(2026, 3, 13))),
    )  # fmt: skip
    assert told(made) == {"ada": [("ada", 1, 1)], "ben": [("ben", 2, 1)]}
    assert (made.unreached, made.passed_over) == ([], {})


def test_steps_count_business_days_and_the_last_one_tells_another_role() -> None:
    people = person("ada"), person("tom", "trustee")
    steps = {
        day: told(plan(*people, today=date(2026, 3, day)))
        for day in (11, 12, 13, 16, 17, 20, 23)
    }  # fmt: skip
    first, second = {"ada": [("ada", 1, 1)]}, {"ada": [("ada", 1, 2)]}
    third = {"ada": [("ada", 1, 3)], "tom": [("tom", 1, 3)]}
    assert steps == {11: {}, 12: first, 13: first, 16: first, 17: second, 20: second, 23: third}
    # Saint Joseph's Day, a Thursday, is none in Nidwalden.
    there = Rules(DEFAULT_RULES.steps, "CH", "NW")
    assert told(plan(*people, today=date(2026, 3, 23), rules=there)) == second
    assert told(plan(*people, today=date(2026, 3, 24), rules=there)) == third
    before = Rules((ReminderStep(-2),))
    assert told(plan(*people, today=date(2026, 3, 9), rules=before)) == {}
    assert told(plan(*people, today=date(2026, 3, 10), rules=before)) == first


def test_nobody_gets_the_same_reminder_twice() -> None:
    first = Reminder(INVOICE, Matter.APPROVE, DUE, 1, "ada")
    assert plan(person("ada"), known=(first,)).mails == []
    # Others still do; the next step is another reminder, and so is another due day.
    assert told(plan(person("ada"), person("ben"), known=(first,))) == {"ben": [("ben", 1, 1)]}
    later = date(2026, 3, 17)
    assert told(plan(person("ada"), known=(first,), today=later)) == {"ada": [("ada", 1, 2)]}
    assert plan(person("ada"), known=(first._replace(step=2),), today=later).mails == []
    moved = invoice(approval_due=date(2026, 3, 11))
    assert told(plan(person("ada"), known=(first,), invoices=(moved,))) == {"ada": [("ada", 1, 1)]}


def test_who_has_acted_or_asked_is_left_alone() -> None:
    ada, ben = person("ada"), person("ben")
    assert list(told(plan(ada, ben, invoices=(invoice(approved_by=("ada",)),)))) == ["ben"]
    asked = invoice(state=InvoiceState.QUESTIONED, asked_by="ada", role="chief")
    made = plan(ada, ben, person("tom", "trustee"), person("up", "uploader"), invoices=(asked,))
    assert list(told(made)) == ["ben", "tom"]
    assert {one.matter for mail in made.mails for one in mail.reminders} == {Matter.ANSWER}
    # Where nobody else could answer, whoever asked hears of it.
    assert list(told(plan(ada, invoices=(asked,)))) == ["ada"]


def test_a_substitute_gets_the_list_of_who_is_away() -> None:
    both = invoice(1), invoice(2, role="chief")
    made = plan(away("ada", "ben", "chief"), person("ben"), invoices=both)
    assert told(made) == {"ben": [("ben", 1, 1), ("ada", 2, 1)]}
    # Of one who is away too, theirs; back again, the own.
    chain = away("ada", "ben", "chief"), away("ben", "cleo"), person("cleo")
    assert told(plan(*chain, invoices=(invoice(2, role="chief"),))) == {"cleo": [("ada", 2, 1)]}
    back = plan(away("ada", "ben"), person("ben", "trustee"), today=date(2026, 5, 4))
    assert ("ada", 1, 3) in told(back)["ada"]


def test_an_invoice_about_which_nobody_can_be_reached_says_why() -> None:
    def why(*people: Person) -> str:
        made = plan(*people)
        assert made.mails == []
        (one,) = made.unreached
        assert one.document_id == INVOICE
        return one.why

    assert why() == "no active person who could act has the role accounting for acme"
    assert why(person("ada", email=None)) == "ada has no mail address"
    assert why(away("ada")) == "ada is away until 2026-04-30 and has no substitute"
    assert why(away("ada", "gone")).endswith("the substitute gone does not act for the client")
    # Nobody is told of what they may not see.
    assert why(away("ada", "mo"), person("mo", "clerk")).endswith("mo may not see the invoice")
    each_other = why(away("ada", "ben"), away("ben", "ada"))
    assert each_other.startswith("ada and ben are away and stand in for each other; ")
    made = plan(person("ada", email=None), person("ben"))
    assert (list(told(made)), made.unreached) == (["ben"], [])
    assert made.passed_over == {"ada": "ada has no mail address"}


def test_the_same_reminders_to_the_same_person_are_the_same_mail() -> None:
    one, two = (Reminder(UUID(int=n), Matter.APPROVE, DUE, 1, "ada") for n in (1, 2))
    id = Mail("ada", [one, two]).mail_id("acme")
    assert Mail("ada", [two, one]).mail_id("acme") == id
    later = two._replace(step=2)
    others = {
        Mail("ben", [one, two]).mail_id("acme"),
        Mail("ada", [one]).mail_id("acme"),
        Mail("ada", [one, two]).mail_id("other"),
        Mail("ada", [one, later]).mail_id("acme"),
    }
    assert len({id, *others}) == 5
