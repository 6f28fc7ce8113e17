"""Where the values of camt.052, camt.053 and camt.054 stand, in every version from 001.01 to 001.13.

Versions differ in the shape of states (`Sts` or `Sts/Cd`), of parties (`Dbtr/Nm` or `Dbtr/Pty/Nm`) and of
amounts (`Amt` or `AmtDtls/TxAmt/Amt`). Source: https://www.iso20022.org/catalogue-messages
(BankToCustomer messages), Swiss and German implementation guides.
"""

from typing import Any, Final

from services.integrations.iso20022.elements import children, local_name
from services.integrations.iso20022.layouts import Amount, Fields, Text, Texts, There

#: The element of one statement, report or notification, and the message that holds such.
STATEMENTS: Final = {"Stmt": "camt.053", "Rpt": "camt.052", "Ntfctn": "camt.054"}
#: The status of an entry that is booked.
BOOKED: Final = "BOOK"
#: Of an account: its IBAN or a number of another kind; version 001.01 knew BBAN, UPIC and proprietary ones.
NUMBERS: Final = ("Id/IBAN", "Id/Othr/Id", "Id/BBAN", "Id/PrtryAcct/Id", "Id/UPIC")
_NAMES: Final = ("Nm", "Pty/Nm", "Agt/FinInstnId/Nm")


def message_in(root: Any) -> Any | None:
    """The message in an XML document, or the document itself; None if it is no camt."""
    return next((one for one in (root, *root) if local_name(one).startswith("BkToCstmr")), None)


def statements_in(message: Any) -> list[Any]:
    """The statements, reports or notifications of a message."""
    return [one for name in STATEMENTS for one in children(message, name)]


def day_at(path: str) -> tuple[str, str, str]:
    """Of a choice of `Dt` and `DtTm`, or the element's own text."""
    return f"{path}/Dt", f"{path}/DtTm", path


def _below(element: str, paths: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(f"{element}/{path}" for path in paths)


#: An entry, `Ntry`, without its transactions.
ENTRY: Final = Fields(
    status=Text("Sts", "Sts/Cd", "Sts/Prtry"),
    amount=Amount("Amt"),
    sign=Text("CdtDbtInd"),
    reversal=Text("RvslInd"),
    booked=Text(*day_at("BookgDt")),
    valued=Text(*day_at("ValDt")),
    bank_ref=Text("AcctSvcrRef"),
    text=Text("AddtlNtryInf"),
    code=Texts("BkTxCd/Domn/Cd", "BkTxCd/Domn/Fmly/Cd", "BkTxCd/Domn/Fmly/SubFmlyCd"),
    own_code=Text("BkTxCd/Prtry/Cd"),
    batch_id=Text("Btch/PmtInfId", "NtryDtls/Btch/PmtInfId"),
    charges=Amount("Chrgs/TtlChrgsAndTaxAmt", "Chrgs/Amt", "Chrgs/Rcrd/Amt"),
    instructed=Amount("AmtDtls/InstdAmt/Amt"),
    rate=Text("AmtDtls/*/CcyXchg/XchgRate"),
)

#: One of the transactions of which an entry consists, `TxDtls`.
TRANSACTION: Final = Fields(
    payment_id=Text("Refs/EndToEndId"),
    bank_ref=Text("Refs/AcctSvcrRef"),
    instruction_id=Text("Refs/InstrId"),
    transaction_id=Text("Refs/TxId"),
    mandate=Text("Refs/MndtId"),
    message_id=Text("Refs/MsgId"),
    batch_id=Text("Refs/PmtInfId"),
    amount=Amount("Amt", "AmtDtls/TxAmt/Amt"),
    sign=Text("CdtDbtInd"),
    instructed=Amount("AmtDtls/InstdAmt/Amt"),
    rate=Text("AmtDtls/*/CcyXchg/XchgRate"),
    charges=Amount("Chrgs/TtlChrgsAndTaxAmt", "Chrgs/Amt", "Chrgs/Rcrd/Amt"),
    debtor=Text(*_below("RltdPties/Dbtr", _NAMES), *_below("RltdPties/UltmtDbtr", _NAMES)),
    debtor_account=Text(*_below("RltdPties/DbtrAcct", NUMBERS)),
    creditor=Text(*_below("RltdPties/Cdtr", _NAMES), *_below("RltdPties/UltmtCdtr", _NAMES)),
    creditor_account=Text(*_below("RltdPties/CdtrAcct", NUMBERS)),
    lines=Texts("RmtInf/Ustrd*", "RmtInf/Strd*/AddtlRmtInf*"),
    references=Texts("RmtInf/Strd*/CdtrRefInf*/Ref", "RmtInf/Strd*/CdtrRefInf*/CdtrRef"),
    reference_type=Text("RmtInf/Strd*/CdtrRefInf*/Tp/CdOrPrtry/*"),
    documents=Texts("RmtInf/Strd*/RfrdDocInf*/Nb", "RmtInf/Strd*/RfrdDocInf*/RfrdDocNb"),
    info=Text("AddtlTxInf"),
    returned=There("RtrInf"),
    return_code=Text("RtrInf*/Rsn/Cd", "RtrInf*/Rsn/Prtry"),
    return_texts=Texts("RtrInf*/AddtlInf*"),
)
