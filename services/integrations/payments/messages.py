"""What a bank says about payments, whichever message it uses; and how such a message is opened."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from decimal import Decimal, InvalidOperation
from enum import StrEnum
from typing import Any

from lxml import etree

from services.integrations.iso20022.elements import children, text
from shared.errors import TagwerkError


class Verdict(StrEnum):
    """What a status means for an order."""

    #: Received or pending: nothing is decided.
    NOTHING_YET = "nothing_yet"
    ACCEPTED = "accepted"
    PAID = "paid"
    REJECTED = "rejected"
    #: Booked, and then the money came back.
    RETURNED = "returned"


@dataclass(frozen=True, slots=True)
class Said:
    """One statement about an order, or about all orders of a block or of a file."""

    verdict: Verdict
    #: The status as the bank writes it: `RJCT`; of a booking `BOOK`.
    status: str
    #: As the bank dates it; of a booking the end of its day.
    at: datetime
    #: MsgId, PmtInfId, InstrId and EndToEndId of what we sent, as far as they are named.
    message_id: str | None = None
    block_id: str | None = None
    instruction_id: str | None = None
    payment_id: str | None = None
    amount: Decimal | None = None
    currency: str | None = None
    reason_code: str | None = None
    #: What the bank adds in its own words.
    text: str | None = None

    @property
    def level(self) -> int:
        """0 for one order, 1 for a block, 2 for a file: the closer statement holds."""
        if self.payment_id or self.instruction_id:
            return 0
        return 1 if self.block_id else 2


@dataclass(frozen=True, slots=True)
class BankMessage:
    """A status report or a statement."""

    #: `pain.002` or `camt`.
    kind: str
    #: MsgId of the bank.
    id: str
    created_at: datetime
    said: tuple[Said, ...]


def open_message(content: bytes, name: str) -> Any:
    """The root element, an lxml one. Raises `status_file_unsafe` for a document type, which such a message
    never has and attacks do, and `status_file_unreadable` for what is no XML."""
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False)
    try:
        root = etree.fromstring(content, parser)
    except (etree.XMLSyntaxError, ValueError) as error:
        if b"<!DOCTYPE" in content[:4096]:
            raise _unsafe(name) from error
        raise unreadable(name, f"it is no XML: {error}") from error
    if root.getroottree().docinfo.doctype:
        raise _unsafe(name)
    return root


def unreadable(name: str, cause: str) -> TagwerkError:
    return TagwerkError(
        "status_file_unreadable",
        cause,
        concern=name,
        next_step="Get the file again from the bank, unchanged, as pain.002, camt.053 or camt.054; then "
        "start the job with it.",
    )


def _unsafe(name: str) -> TagwerkError:
    return TagwerkError(
        "status_file_unsafe",
        "the XML declares a document type, which no message of a bank does",
        concern=name,
        next_step="Nothing was expanded or fetched. Find out where it comes from before anybody opens it.",
    )


def reason_of(information: Any) -> tuple[str | None, str | None]:
    """Code (also a proprietary one) and additional texts of StsRsnInf elements, the first code."""
    code: str | None = None
    texts: list[str] = []
    for one in information:
        code = code or text(one, "Rsn", "Cd") or text(one, "Rsn", "Prtry")
        texts += [line for found in children(one, "AddtlInf") if (line := text(found))]
    return code, one_text(texts)


def one_text(lines: Iterable[str]) -> str | None:
    """What the bank adds in several lines, as much of it as is kept."""
    return " ".join(lines)[:500] or None


def amount_of(told: tuple[str, str | None] | None) -> tuple[Decimal | None, str | None]:
    """Value and currency of an amount as it is written."""
    if told is None:
        return None, None
    written, currency = told
    try:
        return Decimal(written), currency
    except InvalidOperation:
        return None, currency


def moment_of(written: str | None, name: str) -> datetime:
    """An ISODateTime; without an offset it is UTC. Raises `status_file_unreadable`."""
    try:
        moment = datetime.fromisoformat(written or "")
    except ValueError as error:
        raise unreadable(name, f"{written!r} is no date and time of the message") from error
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def end_of(day: date) -> datetime:
    """A booking counts from the end of its day, after what was said on that day."""
    return datetime.combine(day, time(23, 59, 59), UTC)
