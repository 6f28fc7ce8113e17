"""What becomes of characters that banks do not take."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.integrations.payments.characters import sepa, swiss


@pytest.mark.parametrize(
    ("written", "as_swiss", "as_sepa"),
    [
        ("Müller & Söhne", "Müller & Söhne", "Mueller + Soehne"),
        ("L’Étoile – «Paris»", "L'Étoile - «Paris»", "L'Etoile - 'Paris'"),
        ("Łódź Ștefan", "Łódź Ștefan", "Lodz Stefan"),
        ("Straße 5\u00a0b", "Straße 5 b", "Strasse 5 b"),
        ("Ελλάδα", "Ellada", "Ellada"),
        ("Щука", "SHTuka", "SHTuka"),
        ("Nguyễn", "Nguyen", "Nguyen"),
        ("a\tb\r\n  c", "a b c", "a b c"),
        ("株式会社", "....", "...."),
        ("100 € @ 5 %", "100 € @ 5 %", "100 E (a) 5 ."),
        ("e\u0301", "é", "e"),
    ],
)
def test_each_sign_has_its_counterpart(written: str, as_swiss: str, as_sepa: str) -> None:
    assert (swiss(written), sepa(written)) == (as_swiss, as_sepa)


@given(st.text())
def test_cleaning_twice_is_cleaning_once(text: str) -> None:
    assert swiss(swiss(text)) == swiss(text)
    assert sepa(sepa(text)) == sepa(text)
