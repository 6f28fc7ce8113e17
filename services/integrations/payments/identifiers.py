"""Account numbers, references and the ids of our own messages: their checks and forms.

IBAN: ISO 13616. QR-IBAN and QR reference: Swiss Implementation Guidelines QR-bill 2.3 (SIX). Creditor
reference: ISO 11649. BIC: ISO 9362. Ids of messages and payments: at most 35 characters of the restricted
set of the Swiss Payment Standards 2025 and EPC217-08, which digits and small letters belong to.
"""

import re
from typing import Final
from uuid import UUID

from stdnum import iban, iso11649
from stdnum.ch import esr
from stdnum.exceptions import ValidationError

BIC: Final = re.compile(r"[A-Z]{4}[A-Z]{2}[A-Z0-9]{2}([A-Z0-9]{3})?")
#: Largest number of an order of one document, and of a block of one file: the id has room for no more.
MOST_ORDERS, MOST_BLOCKS = 99, 999


def is_iban(value: str) -> bool:
    try:
        iban.validate(value, check_country=False)
    except ValidationError:
        return False
    return True


def is_qr_iban(value: str) -> bool:
    """Whether a valid Swiss or Liechtenstein IBAN names a QR-IID, 30000 to 31999."""
    return value[:2] in ("CH", "LI") and value[4:9].isdigit() and 30000 <= int(value[4:9]) <= 31999


def looks_like_qr_reference(value: str) -> bool:
    return len(value) == 27 and value.isascii() and value.isdigit()


def is_qr_reference(value: str) -> bool:
    return looks_like_qr_reference(value) and bool(esr.is_valid(value)) and set(value) != {"0"}


def looks_like_creditor_reference(value: str) -> bool:
    return re.fullmatch(r"RF[0-9]{2}[A-Z0-9]{1,21}", value) is not None


def is_creditor_reference(value: str) -> bool:
    return looks_like_creditor_reference(value) and bool(iso11649.is_valid(value))


def message_id(file_id: UUID) -> str:
    """MsgId of a payment file: its id without dashes, 32 characters."""
    return file_id.hex


def block_id(file_id: UUID, number: int) -> str:
    """PmtInfId of a block, numbered from 1: the file's id and three digits, 35 characters."""
    if not 1 <= number <= MOST_BLOCKS:
        raise ValueError(f"a file has at most {MOST_BLOCKS} blocks")
    return f"{file_id.hex}{number:03}"


def payment_id(document_id: UUID, order: int) -> str:
    """EndToEndId of the `order`-th order (from 1) of a document: the document's id without dashes, and which
    order of it this is: `…-01`. 35 characters; who has the id has the document."""
    if not 1 <= order <= MOST_ORDERS:
        raise ValueError(f"a document is ordered at most {MOST_ORDERS} times")
    return f"{document_id.hex}-{order:02}"
