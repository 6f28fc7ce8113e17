"""Account numbers, references and tax numbers: their forms and check digits. All arithmetic is offline.

IBAN: ISO 13616. QR-IBAN and QR reference: Swiss Implementation Guidelines QR-bill 2.3 (SIX). Creditor
reference: ISO 11649. BIC: ISO 9362. VAT ids and the Swiss UID: as python-stdnum knows them.
"""

import re
from typing import Final

from stdnum import iban, iso11649
from stdnum.ch import esr, uid
from stdnum.eu import vat
from stdnum.exceptions import ValidationError
from stdnum.gb import vat as british_vat

#: Institution, country, location, perhaps a branch.
_BIC: Final = re.compile(r"[A-Z]{4}[A-Z]{2}[A-Z0-9]{2}(?:[A-Z0-9]{3})?")


def is_iban(value: str) -> bool:
    try:
        iban.validate(value, check_country=False)
    except ValidationError:
        return False
    return True


def is_qr_iban(value: str) -> bool:
    """Whether a valid Swiss or Liechtenstein IBAN names a QR-IID, 30000 to 31999."""
    return value[:2] in ("CH", "LI") and value[4:9].isdigit() and 30000 <= int(value[4:9]) <= 31999


def is_bic(value: str) -> bool:
    return _BIC.fullmatch(value) is not None


def looks_like_qr_reference(value: str) -> bool:
    return len(value) == 27 and value.isascii() and value.isdigit()


def is_qr_reference(value: str) -> bool:
    return looks_like_qr_reference(value) and bool(esr.is_valid(value)) and set(value) != {"0"}


def looks_like_creditor_reference(value: str) -> bool:
    return re.fullmatch(r"RF[0-9]{2}[A-Z0-9]{1,21}", value) is not None


def is_creditor_reference(value: str) -> bool:
    return looks_like_creditor_reference(value) and bool(iso11649.is_valid(value))


def is_vat_id(value: str) -> bool:
    """Whether it is a VAT id of the EU or Britain, or a Swiss UID, perhaps with `MWST`, `TVA` or `IVA`."""
    compact = value.upper()
    if compact.startswith("CHE"):
        for ending in ("MWST", "TVA", "IVA", "TPV"):
            compact = compact.removesuffix(ending)
        return bool(uid.is_valid(compact))
    if compact.startswith("GB"):
        return bool(british_vat.is_valid(compact))
    return compact[:2].isalpha() and bool(vat.is_valid(compact))
