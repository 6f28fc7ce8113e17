"""How a client's invoices are booked: a TOML file, checked when the service starts.

[clients.main]
folder = "/srv/datev/main"       # where exports appear; DATEV or the tax adviser takes them from there.
                                 # Instead: sftp = {...}, see `services.integrations.erp.sftp`
consultant = 29098               # Beraternummer
client = 55003                   # Mandantennummer
fiscal_year_begin = "01-01"      # optional, as chart, account_length and tax_keys are
chart = "03"                     # SKR 03 or 04
account_length = 4               # digits of general ledger accounts; creditors have one more
expense = 4980                   # unless the supplier says otherwise
creditor = 70000                 # unless the supplier has an account of its own
tax_keys = { 19 = "9", 7 = "8", 0 = "" }    # rate in percent -> tax key (BU-Schlüssel)

[[clients.main.suppliers]]       # known by VAT id, else IBAN, else name
vat_id = "DE123456789"
creditor = 70001
expense = 4930

`services.integrations.erp.rest.config` says how an ERP with an interface stands in it.
"""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from services.integrations.erp.rest.config import RestErp
from services.integrations.erp.sftp_folder import SftpFolder
from shared.errors import TagwerkError, wrong_fields
from shared.words import BookedIn


class Supplier(BaseModel):
    """Accounts of one supplier."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    vat_id: str | None = None
    iban: str | None = None
    name: str | None = None
    creditor: int | None = Field(default=None, ge=1)
    expense: int | None = Field(default=None, ge=1)

    @field_validator("vat_id", "iban", "name")
    @classmethod
    def _compact(cls, written: str | None) -> str | None:
        return None if written is None else compact(written)

    @model_validator(mode="after")
    def _check(self) -> "Supplier":
        if not (self.vat_id or self.iban or self.name):
            raise ValueError("a supplier needs a vat_id, an iban or a name by which it is known")
        return self


class Datev(BaseModel):
    """How one client's invoices are booked in DATEV."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    #: One of the two.
    folder: Path | None = None
    sftp: SftpFolder | None = None
    consultant: int = Field(ge=1001, le=9_999_999)
    client: int = Field(ge=1, le=99_999)
    fiscal_year_begin: str = Field(default="01-01", pattern=r"^(0[1-9]|1[0-2])-01$")
    chart: str = Field(default="03", pattern=r"^(03|04)$")
    account_length: int = Field(default=4, ge=4, le=8)
    expense: int = Field(ge=1)
    creditor: int = Field(ge=1)
    #: Percent -> tax key.
    tax_keys: dict[Decimal, str] = {Decimal(19): "9", Decimal(7): "8", Decimal(0): ""}
    suppliers: list[Supplier] = []

    @model_validator(mode="after")
    def _check(self) -> "Datev":
        if (self.folder is None) == (self.sftp is None):
            raise ValueError("exports go either into a folder or to sftp: one of the two has to be there")
        for expense in (self.expense, *(one.expense for one in self.suppliers)):
            if expense is not None and len(str(expense)) != self.account_length:
                raise ValueError(f"expense: {expense} has not {self.account_length} digits")
        for creditor in (self.creditor, *(one.creditor for one in self.suppliers)):
            if creditor is not None and (
                len(str(creditor)) != self.account_length + 1 or str(creditor)[0] not in "789"
            ):
                raise ValueError(
                    f"creditor: {creditor} is no account of a creditor, which has "
                    f"{self.account_length + 1} digits and begins with 7, 8 or 9"
                )
        if wrong := [key for key in self.tax_keys.values() if (key and not key.isdigit()) or len(key) > 4]:
            raise ValueError(f"tax_keys: {wrong[0]} is no tax key: at most 4 digits")
        return self

    def beside(self, path: Path) -> "Datev":
        """With the files that it names found from where `path` lies."""
        if self.sftp is None:
            return self
        return self.model_copy(update={"sftp": self.sftp.beside(path)})

    def accounts_of(self, values: Mapping[str, str]) -> tuple[int, int]:
        """Creditor and expense account for an invoice with these values."""
        for field, names in (
            ("vat_id", ("issuer_vat_id",)),
            ("iban", ("iban",)),
            ("name", ("issuer_name", "payee_name")),
        ):
            wanted = {compact(values[name]) for name in names if values.get(name)}
            for supplier in self.suppliers:
                if getattr(supplier, field) in wanted:
                    return supplier.creditor or self.creditor, supplier.expense or self.expense
        return self.creditor, self.expense

    def fiscal_year(self, day: date) -> date:
        """The first day of the fiscal year that `day` lies in."""
        month = int(self.fiscal_year_begin[:2])
        return date(day.year if day.month >= month else day.year - 1, month, 1)


def compact(written: str) -> str:
    """A number or a name without what people write in different ways."""
    return "".join(written.split()).casefold()


class _File(BaseModel):
    model_config = ConfigDict(extra="forbid")

    clients: dict[str, Datev] = {}
    rest: dict[str, RestErp] = {}


@dataclass(frozen=True, slots=True)
class ErpRules:
    """Client -> how its invoices are booked in DATEV, and client -> its ERP that can be asked."""

    of: Mapping[str, Datev]
    rest: Mapping[str, RestErp]

    def booked_in(self, client: str) -> BookedIn:
        """Where its invoices are booked."""
        erp = self.rest.get(client)
        return BookedIn.ERP if erp is not None and erp.bookings else BookedIn.DATEV

    def of_client(self, client: str) -> Datev:
        """Raises `erp_not_set_up`."""
        if client not in self.of:
            raise TagwerkError(
                "erp_not_set_up",
                f"nothing says how invoices of client {client} are booked",
                concern=client,
                next_step="Add the client to the file that TAGWERK_ERP_FILE names, and start the service "
                "again.",
            )
        return self.of[client]


def read_erp_rules(path: Path | None) -> ErpRules:
    """The rules in the file at `path`; none without a file. Raises `erp_file_invalid`."""
    if path is None:
        return NO_RULES
    try:
        content: dict[str, Any] = tomllib.loads(path.read_text(encoding="utf-8"))
        file = _File.model_validate(content)
        return ErpRules(
            {client: datev.beside(path) for client, datev in file.clients.items()},
            {
                client: erp.model_copy(update={"token_file": path.parent / erp.token_file})
                for client, erp in file.rest.items()
            },
        )
    except OSError as error:
        raise _invalid(path, f"it cannot be read: {error.strerror or error}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise _invalid(path, f"it is no TOML: {error}") from error
    except ValidationError as error:
        raise _invalid(path, wrong_fields(error)) from error


NO_RULES: Final = ErpRules({}, {})


def _invalid(path: Path, cause: str) -> TagwerkError:
    return TagwerkError(
        "erp_file_invalid",
        cause,
        concern=str(path),
        next_step="Correct the file, or the setting TAGWERK_ERP_FILE that names it; docs/operations.md shows "
        "how it is written. Then start the service again.",
    )
