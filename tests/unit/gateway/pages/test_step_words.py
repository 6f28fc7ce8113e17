"""The history of an approval in the reader's language: made from what the documents service really says."""

from datetime import date

import pytest
from markupsafe import Markup

from services.documents.approvals import core
from services.documents.approvals.core import Move, Standing
from services.documents.approvals.rules import Demand
from services.gateway.pages.formats import Formats
from services.gateway.pages.preferences import preferences_of
from services.gateway.pages.step_words import step_words
from shared.sentences.translating import sentence_in
from shared.words import ApprovalState, StepKind
from tests.unit.gateway.pages.jobs import NOW

DEMAND = Demand(rule="Vier Augen", role="approver", approvals=2, due=date(2026, 11, 30))
WAITING = Standing(ApprovalState.WAITING, "v1", DEMAND)
BANK = "the bank refused the payment (AC04: the account is closed (Konto saldiert))"
AGAIN = "the invoice was analysed again: gross_amount 100.00 → 120.00, iban none → CH93"
ASKED = "2 verschiedene Personen mit der Rolle approver bis 2026-11-30 (Vier Augen)"


def german(move: Move) -> list[str]:
    return [str(step_words("de", step.kind, step.words)) for step in move.steps]


def test_what_the_service_says_is_told_in_german() -> None:
    first = core.approve(WAITING, "bea", None)
    assert german(core.request("v1", DEMAND, "bea")) == [f"wartet auf {ASKED}"]
    assert german(first) == ["noch eine Person muss freigeben"]
    assert german(core.follow(first.standing, "v2", DEMAND, "cleo", AGAIN)) == [
        f"die Rechnung wurde erneut gelesen: Bruttobetrag 100.00 → 120.00, IBAN – → CH93; wartet auf {ASKED}",
        "die Freigabe von bea wurde vorher erteilt",
    ]
    reopened = core.reopen(Standing(ApprovalState.APPROVED, "v1", DEMAND), "v1", DEMAND, "bank", BANK)
    assert german(reopened) == [
        "die Bank hat die Zahlung abgelehnt (AC04: das Konto ist geschlossen (Konto saldiert));"
        f" wartet auf {ASKED}"
    ]


def test_what_people_wrote_stays_as_it_is() -> None:
    typed = "see <b>; one more"
    for move in (core.reject(WAITING, "bea", typed), core.ask(WAITING, "bea", typed)):
        assert german(move) == ["see &lt;b&gt;; one more"]
    approved = core.approve(WAITING, "bea", typed)
    assert german(approved) == ["see &lt;b&gt;; one more; noch eine Person muss freigeben"]
    last = core.approve(approved.standing, "cleo", None)
    assert german(last) == [""]


@pytest.mark.parametrize(
    ("kind", "words", "told"),
    [
        (StepKind.CONFIRMED, "confirmed: iban, duplicate", "IBAN, dass sie kein Duplikat ist"),
        (
            StepKind.CORRECTED,
            "corrected: gross amount 100.00 → 120.00, due date none → 2026-12-01, IBAN CH93 confirmed (call)",
            "Bruttobetrag 100.00 → 120.00, Fälligkeit – → 2026-12-01, IBAN CH93 (bestätigt) (call)",
        ),
        (
            StepKind.PAYMENT,
            "payment rejected (AC04: the account is closed)",
            "Zahlung von der Bank abgelehnt: AC04: das Konto ist geschlossen",
        ),
        (StepKind.PAYMENT, "paid: 10.00 CHF, booked on 2026-12-01", "10.00 CHF, gebucht am 2026-12-01"),
    ],
)
def test_names_of_fields_and_states_are_those_of_the_pages(kind: StepKind, words: str, told: str) -> None:
    assert step_words("de", kind, words) == told


def test_a_finding_names_its_field_and_a_rule_of_a_bank_stays_as_the_bank_says_it() -> None:
    assert sentence_in("de", "IBAN: CH93 fails the check digits of an IBAN") == (
        "IBAN: CH93 hat keine gültigen IBAN-Prüfziffern",
        True,
    )
    said = "gross amount: the QR-bill gives the value 10.00; the text gives the value 12.00"
    assert sentence_in("de", said) == (
        "Bruttobetrag: die QR-Rechnung nennt den Wert 10.00; der Text nennt den Wert 12.00",
        True,
    )
    assert sentence_in("de", "BR-CO-15: Invoice total amount is wrong") == (
        "BR-CO-15: Invoice total amount is wrong",
        False,
    )


def test_days_in_a_text_are_written_as_the_reader_writes_them() -> None:
    formats = Formats(preferences_of({}, "de-CH", "UTC"), NOW)
    said = formats.with_days(Markup("bis 2026-11-30 (&lt;b&gt;), Rechnung 4711-2026-11-30, 2026-99-99"))
    assert said == "bis 30.11.2026 (&lt;b&gt;), Rechnung 4711-2026-11-30, 2026-99-99"
