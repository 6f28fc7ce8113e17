"""A file of a bank to what it says about payments, whichever of its messages it is."""

from typing import Final

from services.integrations.iso20022.camt import message_in
from services.integrations.iso20022.elements import local_name
from services.integrations.payments.camt import read_bookings
from services.integrations.payments.messages import BankMessage, open_message, unreadable
from services.integrations.payments.pain002 import read_status_report
from shared.files import Files
from shared.incoming import Incoming

#: Bytes of a status report or statement.
AT_MOST: Final = 64_000_000
#: The area of the inbox.
AREA: Final = "payments"


def read_message(content: bytes, name: str) -> BankMessage:
    """Raises `status_file_unsafe` and `status_file_unreadable`."""
    root = open_message(content, name)
    kinds = {local_name(one) for one in root}
    if kinds & {"CstmrPmtStsRpt", "pain.002.001.02"}:
        return read_status_report(root, name)
    if (message := message_in(root)) is not None:
        return read_bookings(message, name)
    if kinds & {"CstmrCdtTrfInitn"}:
        raise unreadable(name, "it is a payment file, as we send it to the bank, and no answer to one")
    found = ", ".join(sorted(kinds - {""})) or local_name(root)
    raise unreadable(name, f"it is neither pain.002 nor camt: it holds {found[:100]}")


class StatusFiles(Incoming):
    """The files of one client that may hold answers of its banks: `inbox/payments/`, and uploads."""

    def __init__(self, files: Files) -> None:
        super().__init__(files, AREA)
