"""Payment status reports: pain.002.001.02 to .14 by their structure, every block and every transaction."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any, Final

from services.integrations.iso20022.elements import amount, child, children, local_name, text
from services.integrations.payments.messages import (
    BankMessage,
    Said,
    Verdict,
    amount_of,
    moment_of,
    reason_of,
    unreadable,
)

#: ExternalPaymentGroupStatus1Code, ExternalPaymentTransactionStatus1Code and their older enumerations.
_VERDICTS: Final = {
    "ACCC": Verdict.PAID, "ACSC": Verdict.PAID,
    "ACCP": Verdict.ACCEPTED, "ACTC": Verdict.ACCEPTED, "ACSP": Verdict.ACCEPTED, "ACWC": Verdict.ACCEPTED,
    "ACWP": Verdict.ACCEPTED, "ACFC": Verdict.ACCEPTED, "ACIS": Verdict.ACCEPTED, "ACPD": Verdict.ACCEPTED,
    "RJCT": Verdict.REJECTED, "CANC": Verdict.REJECTED, "BLCK": Verdict.REJECTED,
}  # fmt: skip
#: Some of the orders only: those that matter are named one by one.
_PARTIAL: Final = frozenset({"PART", "PATC"})


def read_status_report(root: Any, name: str) -> BankMessage:
    """Everything that the report says, in its order. Raises `status_file_unreadable`."""
    report = next((one for one in root if local_name(one) in ("CstmrPmtStsRpt", "pain.002.001.02")), None)
    header = child(report, "GrpHdr")
    id = text(header, "MsgId")
    if id is None:
        raise unreadable(name, "the report has no MsgId")
    at = moment_of(text(header, "CreDtTm"), name)
    return BankMessage("pain.002", id, at, tuple(_statements(report, at)))


def _statements(report: Any, at: datetime) -> Iterator[Said]:
    message_id: str | None = None
    for part in report:
        match local_name(part):
            case "OrgnlGrpInfAndSts" | "OrgnlGrpInf":
                message_id = text(part, "OrgnlMsgId")
                yield from _status(part, "GrpSts", at, message_id)
                for transaction in children(part, "TxInfAndSts"):
                    yield from _transaction(transaction, at, message_id, None, part, "GrpSts")
            case "OrgnlPmtInfAndSts":
                block_id = text(part, "OrgnlPmtInfId")
                yield from _status(part, "PmtInfSts", at, message_id, block_id)
                for transaction in children(part, "TxInfAndSts"):
                    yield from _transaction(transaction, at, message_id, block_id, part, "PmtInfSts")
            case "TxInfAndSts":
                yield from _transaction(part, at, message_id, text(part, "OrgnlPmtInfId"), None, "")


def _status(
    part: Any, element: str, at: datetime, message_id: str | None, block_id: str | None = None
) -> Iterator[Said]:
    status = text(part, element)
    if status is None or status in _PARTIAL:
        return
    code, said = reason_of(children(part, "StsRsnInf"))
    verdict = _VERDICTS.get(status, Verdict.NOTHING_YET)
    yield Said(verdict, status, at, message_id, block_id, reason_code=code, text=said)


def _transaction(
    part: Any, at: datetime, message_id: str | None, block_id: str | None, above: Any, element: str
) -> Iterator[Said]:
    status = text(part, "TxSts") or text(above, element)
    if status is None or status in _PARTIAL:
        return
    code, said = reason_of(children(part, "StsRsnInf"))
    if code is None and said is None:
        code, said = reason_of(children(above, "StsRsnInf"))
    payment_id = text(part, "OrgnlEndToEndId")
    value, currency = amount_of(amount(child(part, "OrgnlTxRef", "Amt", "InstdAmt")))
    yield Said(
        verdict=_VERDICTS.get(status, Verdict.NOTHING_YET),
        status=status,
        at=at,
        message_id=text(part, "OrgnlGrpInf", "OrgnlMsgId") or message_id,
        block_id=block_id,
        instruction_id=text(part, "OrgnlInstrId"),
        payment_id=None if payment_id == "NOTPROVIDED" else payment_id,
        amount=value,
        currency=currency,
        reason_code=code,
        text=said,
    )
