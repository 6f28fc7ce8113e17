"""The file of the clients' own accounts, checked at boot with the mend named."""

from pathlib import Path

import pytest

from deploy.local.accounts import EXAMPLE
from services.integrations.payments.accounts import read_accounts
from shared.errors import TagwerkError

GOOD = """
[[clients.main.accounts]]
name = "Muster AG"
iban = "CH93 0076 2011 6238 5295 7"
currency = "CHF"
town = "Zürich"
country = "CH"
"""


def read(tmp_path: Path, text: str) -> object:
    file = tmp_path / "accounts.toml"
    file.write_text(text)
    return read_accounts(file)


def test_accounts_are_read_by_client_the_preferred_first(tmp_path: Path) -> None:
    more = GOOD.replace("CH93 0076 2011 6238 5295 7", "CH5604835012345678009").replace("CHF", "EUR")
    file = tmp_path / "accounts.toml"
    file.write_text(GOOD + more)
    accounts = read_accounts(file).of["main"]
    assert [(one.iban, one.currency, one.swiss) for one in accounts] == [
        ("CH9300762011623852957", "CHF", True),
        ("CH5604835012345678009", "EUR", True),
    ]
    assert read_accounts(None).of == {}


@pytest.mark.parametrize(
    ("change", "cause"),
    [
        (("5295 7", "5295 8"), "check digits"),
        (("CH93 0076 2011 6238 5295 7", "CH4431999123000889012"), "QR-IBAN"),
        (("CH93 0076 2011 6238 5295 7", "DE89370400440532013000"), "no Swiss account"),
        (('currency = "CHF"', 'currency = "USD"'), "currency"),
        (('town = "Zürich"', ""), "town"),
        (('country = "CH"', 'country = "CH"\nbic = "nonsense"'), "no BIC"),
        (('country = "CH"', 'country = "CH"\nbank = "x"'), "bank"),
        (("[[clients", "[clients"), "no TOML"),
        (("", GOOD), "twice"),
    ],
)
def test_what_is_wrong_is_named_with_the_mend(tmp_path: Path, change: tuple[str, str], cause: str) -> None:
    text = GOOD + change[1] if change[0] == "" else GOOD.replace(*change)
    with pytest.raises(TagwerkError) as caught:
        read(tmp_path, text)
    failure = caught.value.failure
    assert failure.code == "accounts_file_invalid"
    assert cause in failure.cause
    assert "TAGWERK_ACCOUNTS_FILE" in failure.next_step


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(TagwerkError) as caught:
        read_accounts(tmp_path / "none.toml")
    assert caught.value.failure.concern == str(tmp_path / "none.toml")


def test_the_accounts_of_the_local_stack_can_be_read(tmp_path: Path) -> None:
    file = tmp_path / "accounts.toml"
    file.write_text(EXAMPLE)
    accounts = read_accounts(file).of["main"]
    assert [(one.iban[:2], one.currency) for one in accounts] == [("CH", "CHF"), ("DE", "EUR"), ("CH", "EUR")]
