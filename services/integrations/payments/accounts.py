"""The clients' own accounts, from which payments are ordered: a TOML file, checked when the service starts.

    [[clients.main.accounts]]
    name = "Muster AG"
    iban = "CH93 0076 2011 6238 5295 7"
    bic = "POFICHBEXXX"          # optional
    currency = "CHF"
    street = "Bahnhofstrasse"    # optional, as building_number and postal_code are
    town = "Zürich"
    country = "CH"

The first account that fits is taken, so their order is an order of preference.
"""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from shared.errors import TagwerkError, wrong_fields
from shared.identifiers import is_bic, is_iban, is_qr_iban


class Account(BaseModel):
    """One account of a client and its holder, as the bank knows them."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    #: The holder.
    name: str = Field(min_length=1, max_length=70)
    iban: str
    bic: str | None = None
    currency: str = Field(pattern=r"^(CHF|EUR)$")
    street: str | None = Field(default=None, max_length=70)
    building_number: str | None = Field(default=None, max_length=16)
    postal_code: str | None = Field(default=None, max_length=16)
    town: str = Field(min_length=1, max_length=35)
    country: str = Field(pattern=r"^[A-Z]{2}$")

    @field_validator("iban")
    @classmethod
    def _check_iban(cls, written: str) -> str:
        iban = "".join(written.split()).upper()
        if not is_iban(iban):
            raise ValueError(f"{written} fails the check digits of an IBAN")
        if is_qr_iban(iban):
            raise ValueError(f"{written} is a QR-IBAN, which can only receive; take the account's own IBAN")
        return iban

    @field_validator("bic")
    @classmethod
    def _check_bic(cls, written: str | None) -> str | None:
        if written is not None and not is_bic(written):
            raise ValueError(f"{written} is no BIC: 8 or 11 letters and digits, such as POFICHBEXXX")
        return written

    @model_validator(mode="after")
    def _check_currency(self) -> "Account":
        if self.currency == "CHF" and not self.swiss:
            raise ValueError(f"{self.iban} is no Swiss account: francs are paid from CH or LI only")
        return self

    @property
    def swiss(self) -> bool:
        """Whether the Swiss Payment Standards hold, Liechtenstein included; else the EPC's guidelines do."""
        return self.iban[:2] in ("CH", "LI")

    @property
    def bank(self) -> str:
        """Names the bank: a file goes to one. The country and the bank's number in the IBAN, or the BIC."""
        return self.bic[:8] if self.bic else self.iban[:2] + self.iban[4:9] if self.swiss else self.iban[:12]


class _Client(BaseModel):
    model_config = ConfigDict(extra="forbid")

    accounts: list[Account] = Field(min_length=1)


class _File(BaseModel):
    model_config = ConfigDict(extra="forbid")

    clients: dict[str, _Client]


@dataclass(frozen=True, slots=True)
class Accounts:
    """Client -> accounts, the preferred first."""

    of: Mapping[str, tuple[Account, ...]]


NO_ACCOUNTS: Final = Accounts({})


def read_accounts(path: Path | None) -> Accounts:
    """The accounts in the file at `path`; none without a file. Raises `accounts_file_invalid`."""
    if path is None:
        return NO_ACCOUNTS
    try:
        content: dict[str, Any] = tomllib.loads(path.read_text(encoding="utf-8"))
        file = _File.model_validate(content)
    except OSError as error:
        raise _invalid(path, f"it cannot be read: {error.strerror or error}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise _invalid(path, f"it is no TOML: {error}") from error
    except ValidationError as error:
        raise _invalid(path, wrong_fields(error)) from error
    for name, client in file.clients.items():
        pairs = [(account.iban, account.currency) for account in client.accounts]
        if len(set(pairs)) < len(pairs):
            raise _invalid(path, f"clients.{name}.accounts: an IBAN stands there twice with one currency")
    return Accounts({name: tuple(client.accounts) for name, client in file.clients.items()})


def _invalid(path: Path, cause: str) -> TagwerkError:
    return TagwerkError(
        "accounts_file_invalid",
        cause,
        concern=str(path),
        next_step="Correct the file, or the setting TAGWERK_ACCOUNTS_FILE that names it; docs/operations.md "
        "shows how it is written. Then start the service again.",
    )
