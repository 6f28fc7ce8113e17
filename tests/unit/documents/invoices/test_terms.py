"""Days to pay, in words."""

import pytest

from services.documents.invoices.terms import terms_in


@pytest.mark.parametrize(
    ("text", "days"),
    [
        ("Zahlbar innert 30 Tagen netto.", 30),
        ("Zahlungsziel: 14 Tage", 14),
        ("10 Tage 2 % Skonto, 30 Tage rein netto", 30),
        ("2 % Skonto bei Zahlung innerhalb von 10 Tagen, sonst innerhalb von 30 Tagen ohne Abzug", 30),
        ("Payable à 30 jours.", 30),
        ("Escompte 2 % sous 8 jours, sinon 45 jours net", 45),
        ("Pagamento a 60 giorni data fattura", 60),
        ("Payment within 14 days of invoice date", 14),
        ("Terms: Net 30", 30),
        ("2/10 net 30", 30),
        ("net 30 days", 30),
    ],
)
def test_days_without_discount_are_found(text: str, days: int) -> None:
    found = terms_in(text)
    assert found is not None
    assert found.days == days
    assert found.from_date


@pytest.mark.parametrize(
    "text",
    [
        "Bei Zahlungsverzug nach 60 Tagen 5 % Zins.",
        "Reklamationen innert 8 Tagen.",
        "Returns accepted within 14 days.",
        "Lieferzeit 10 Tage",
        "2 % Skonto bei Zahlung innerhalb von 10 Tagen",
        "Zahlbar in 30 Tagen, Abonnenten: zahlbar in 60 Tagen",
        "30 jours fin de mois",
        "Net weight 30 kg",
    ],
)
def test_other_days_and_several_periods_are_no_term(text: str) -> None:
    assert terms_in(text) is None


def test_days_from_receipt_are_said_to_be_so() -> None:
    found = terms_in("Zahlbar innert 10 Tagen nach Erhalt der Rechnung")
    assert found is not None
    assert not found.from_date
