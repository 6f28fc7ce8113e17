"""A payment file as pain.001.001.09: ISO 20022, Swiss Payment Standards 2025 and EPC132-08.

`domestic` blocks follow SPS payment type D: no charge bearer and no agent of the creditor, since the IBAN
says both. `sepa` blocks follow the EPC, which is SPS type S: service level SEPA, charges shared (SLEV).
"""

import functools
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC
from importlib.resources import files
from typing import Any, Final

from lxml import etree

from services.integrations.payments import characters
from services.integrations.payments.accounts import Account
from services.integrations.payments.checks import Kind, ReferenceKind
from services.integrations.payments.files import Block, PaymentFile
from services.integrations.payments.orders import Address, Order
from shared.errors import TagwerkError

NAMESPACE: Final = "urn:iso:std:iso:20022:tech:xsd:pain.001.001.09"


def render(file: PaymentFile, software_version: str) -> bytes:
    """The message, indented; the same file gives the same bytes. Raises `payment_file_invalid` where the
    official schema refuses it: never the invoices' fault."""
    paper = _Paper()
    with paper.inside("CstmrCdtTrfInitn"):
        _group_header(paper, file, software_version)
        for block in file.blocks:
            _block(paper, block)
    etree.indent(paper.root, "  ")
    _check_schema(paper.root)
    message: bytes = etree.tostring(paper.root, xml_declaration=True, encoding="UTF-8")
    return message + b"\n"


def instruction_id(block: Block, place: int) -> str:
    """InstrId of the order at this place of a block, from 1; unique in the message: `001-1`."""
    return f"{block.id[-3:]}-{place}"


class _Paper:
    """A tree that is written from the top."""

    def __init__(self) -> None:
        self.root = etree.Element(f"{{{NAMESPACE}}}Document", nsmap={None: NAMESPACE})
        self._here: Any = self.root

    @contextmanager
    def inside(self, *names: str) -> Iterator[None]:
        before = self._here
        for name in names:
            self._here = etree.SubElement(self._here, f"{{{NAMESPACE}}}{name}")
        yield
        self._here = before

    def write(self, name: str, text: str | None, **attributes: str) -> None:
        """An element with a text; none without one."""
        if text:
            etree.SubElement(self._here, f"{{{NAMESPACE}}}{name}", attributes).text = text


def _group_header(paper: _Paper, file: PaymentFile, software_version: str) -> None:
    account = file.blocks[0].account
    with paper.inside("GrpHdr"):
        paper.write("MsgId", file.message_id)
        paper.write("CreDtTm", file.created_at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"))
        paper.write("NbOfTxs", str(len(file.orders)))
        paper.write("CtrlSum", f"{file.total:.2f}")
        with paper.inside("InitgPty"):
            paper.write("Nm", _cleaning(account.swiss)(account.name))
            if account.swiss:
                # SPS: which software wrote it.
                with paper.inside("CtctDtls"):
                    for channel, value in (("NAME", "Tagwerk"), ("VRSN", software_version)):
                        with paper.inside("Othr"):
                            paper.write("ChanlTp", channel)
                            paper.write("Id", value[:35])


def _block(paper: _Paper, block: Block) -> None:
    account = block.account
    with paper.inside("PmtInf"):
        paper.write("PmtInfId", block.id)
        paper.write("PmtMtd", "TRF")
        paper.write("BtchBookg", "true" if len(block.orders) > 1 else "false")
        paper.write("NbOfTxs", str(len(block.orders)))
        paper.write("CtrlSum", f"{block.total:.2f}")
        if block.kind is Kind.SEPA:
            with paper.inside("PmtTpInf", "SvcLvl"):
                paper.write("Cd", "SEPA")
        with paper.inside("ReqdExctnDt"):
            paper.write("Dt", block.execution_date.isoformat())
        with paper.inside("Dbtr"):
            clean = _cleaning(account.swiss)
            paper.write("Nm", clean(account.name))
            _address(paper, _holder_address(account))
        with paper.inside("DbtrAcct"):
            with paper.inside("Id"):
                paper.write("IBAN", account.iban)
            if account.swiss:
                paper.write("Ccy", account.currency)
        with paper.inside("DbtrAgt", "FinInstnId"):
            _debtor_agent(paper, account)
        if block.kind is Kind.SEPA:
            paper.write("ChrgBr", "SLEV")
        for number, order in enumerate(block.orders, 1):
            with paper.inside("CdtTrfTxInf"):
                _order(paper, order, instruction_id(block, number))


def _debtor_agent(paper: _Paper, account: Account) -> None:
    if account.bic:
        paper.write("BICFI", account.bic)
    elif account.swiss:
        with paper.inside("ClrSysMmbId"):
            with paper.inside("ClrSysId"):
                paper.write("Cd", "CHBCC")
            # The institution's number without leading zeros.
            paper.write("MmbId", account.iban[4:9].lstrip("0"))
    else:
        with paper.inside("Othr"):
            paper.write("Id", "NOTPROVIDED")


def _order(paper: _Paper, order: Order, instruction_id: str) -> None:
    with paper.inside("PmtId"):
        paper.write("InstrId", instruction_id)
        paper.write("EndToEndId", order.payment_id)
    with paper.inside("Amt"):
        paper.write("InstdAmt", f"{order.amount:.2f}", Ccy=order.currency)
    if order.bic:
        with paper.inside("CdtrAgt", "FinInstnId"):
            paper.write("BICFI", order.bic)
    with paper.inside("Cdtr"):
        paper.write("Nm", order.name)
        if order.address:
            _address(paper, order.address)
    with paper.inside("CdtrAcct", "Id"):
        paper.write("IBAN", order.iban)
    if order.reference_kind is not None:
        with paper.inside("RmtInf", "Strd"):
            with paper.inside("CdtrRefInf"):
                with paper.inside("Tp", "CdOrPrtry"):
                    paper.write(
                        "Prtry" if order.reference_kind is ReferenceKind.QRR else "Cd", order.reference_kind
                    )
                paper.write("Ref", order.reference)
            paper.write("AddtlRmtInf", order.message)
    elif order.message:
        with paper.inside("RmtInf"):
            paper.write("Ustrd", order.message)


def _holder_address(account: Account) -> Address:
    clean = _cleaning(account.swiss)
    return Address(
        town=clean(account.town),
        country=account.country,
        street=clean(account.street or "") or None,
        building_number=clean(account.building_number or "") or None,
        postal_code=clean(account.postal_code or "") or None,
    )


def _address(paper: _Paper, address: Address) -> None:
    with paper.inside("PstlAdr"):
        paper.write("StrtNm", address.street)
        paper.write("BldgNb", address.building_number)
        paper.write("PstCd", address.postal_code)
        paper.write("TwnNm", address.town)
        paper.write("Ctry", address.country)


def _cleaning(swiss: bool) -> characters.Cleaning:
    return characters.swiss if swiss else characters.sepa


@functools.cache
def _schema() -> Any:
    """The official schema, as the wheel `sepaxml` brings it."""
    return etree.XMLSchema(etree.fromstring((files("sepaxml") / "schemas/pain.001.001.09.xsd").read_bytes()))


def _check_schema(root: Any) -> None:
    schema = _schema()
    if not schema.validate(root):
        raise TagwerkError(
            "payment_file_invalid",
            f"the schema pain.001.001.09 refuses the file: {schema.error_log[0].message}",
            next_step="Nothing was ordered. Report it with the run id; `documents` orders the others without "
            "the invoice that it concerns.",
        )
