"""Check digits and forms of accounts, references and tax numbers."""

from collections.abc import Callable

import pytest

from shared.identifiers import (
    is_bic,
    is_creditor_reference,
    is_iban,
    is_qr_iban,
    is_qr_reference,
    is_vat_id,
    looks_like_creditor_reference,
    looks_like_qr_reference,
)


@pytest.mark.parametrize(
    ("check", "right", "wrong"),
    [
        (is_iban, ("CH9300762011623852957", "DE89370400440532013000"), ("CH9300762011623852958", "", "CH")),
        (
            is_qr_iban,
            ("CH4431999123000889012", "LI2130000000000000000"),
            ("CH9300762011623852957", "DE8931999044053201300", "CH44"),
        ),
        (is_bic, ("POFICHBEXXX", "DEUTDEFF"), ("POFICHBEXX", "poficHbexxx", "1OFICHBE", "POFICHBEXXX1")),
        (
            is_qr_reference,
            ("210000000003139471430009017",),
            # The last is right by its check digit, and stands for none.
            ("210000000003139471430009018", "21000000000313947143000901", "0" * 27),
        ),
        (
            is_creditor_reference,
            ("RF18539007547034",),
            ("RF19539007547034", "RF18 5390 0754 7034", "RF18", "XX18539007547034"),
        ),
        (
            is_vat_id,
            ("CHE107787577MWST", "che107787577", "DE136695976", "GB980780684"),
            ("CHE107787578", "DE136695977", "GB980780685", "4711", ""),
        ),
    ],
)
def test_what_is_right_is_told_from_what_is_wrong(
    check: Callable[[str], bool], right: tuple[str, ...], wrong: tuple[str, ...]
) -> None:
    assert [value for value in right if not check(value)] == []
    assert [value for value in wrong if check(value)] == []


def test_a_reference_with_a_slip_is_known_by_its_form() -> None:
    assert looks_like_qr_reference("210000000003139471430009018")
    assert not looks_like_qr_reference("²" * 27)
    assert looks_like_creditor_reference("RF19539007547034")
    assert not looks_like_creditor_reference("RF19-539")
