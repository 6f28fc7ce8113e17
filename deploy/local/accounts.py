"""Accounts for the local stack to pay from: made up, their numbers valid, at no bank's customer."""

from pathlib import Path
from typing import Final

#: Name of the file in the state folder.
ACCOUNTS_FILE: Final = "accounts.toml"

EXAMPLE: Final = """\
# The accounts from which payments are ordered, by client; the first that fits is taken.
# These are made up. Put your own here and start the stack again; docs/operations.md tells how.

[[clients.main.accounts]]
name = "Muster Treuhand AG"
iban = "CH56 0483 5012 3456 7800 9"
bic = "CRESCHZZ80A"
currency = "CHF"
street = "Seestrasse"
building_number = "12"
postal_code = "8002"
town = "Zürich"
country = "CH"

[[clients.main.accounts]]
name = "Muster Treuhand Deutschland GmbH"
iban = "DE89 3704 0044 0532 0130 00"
currency = "EUR"
street = "Domstraße"
building_number = "3"
postal_code = "50667"
town = "Köln"
country = "DE"

[[clients.main.accounts]]
name = "Muster Treuhand AG"
iban = "CH93 0076 2011 6238 5295 7"
currency = "EUR"
street = "Seestrasse"
building_number = "12"
postal_code = "8002"
town = "Zürich"
country = "CH"
"""


def ensure_accounts(state: Path) -> Path:
    """The file, made with the example where there is none yet."""
    file = state / ACCOUNTS_FILE
    if not file.exists():
        file.write_text(EXAMPLE, encoding="utf-8")
        file.chmod(0o600)
    return file
