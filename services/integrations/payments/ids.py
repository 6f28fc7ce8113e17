"""The ids of our own messages and payments: at most 35 characters of the restricted set of the Swiss Payment
Standards 2025 and EPC217-08, which digits and small letters belong to."""

from uuid import UUID

#: Largest number of an order of one document, and of a block of one file: the id has room for no more.
MOST_ORDERS, MOST_BLOCKS = 99, 999


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
