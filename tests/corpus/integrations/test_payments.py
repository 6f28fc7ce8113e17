"""Payment files and status reports of others: what was ordered there is ordered here the same way.

A file's JSON twin is taken for approved invoices, ordered from its debtor's account, and what we write is
compared with what stands there. The figures may only get better: `payments.json` keeps them, and
`TAGWERK_BASELINE=write` writes it anew.
"""

import json
import os
import re
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from lxml import etree

from cli.demo.bank import statement, status_report
from services.integrations.payments.accounts import Account
from services.integrations.payments.files import by_bank, make_file
from services.integrations.payments.messages import Verdict
from services.integrations.payments.orders import Order, judge
from services.integrations.payments.pain001 import render
from services.integrations.payments.payable import Payable, Wish
from services.integrations.payments.reading import read_message
from shared.words import PaymentState
from tests.support.pain001_rules import SPACE, violations
from tests.unit.integrations.payments.test_pain001 import orders, written

BASELINE = Path(__file__).parent / "payments.json"
#: SEPA banks need not take these; German ones spell them so.
SPELT = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "ß": "ss", "Ä": "Ae", "Ö": "Oe", "Ü": "Ue"})


@dataclass
class Count:
    right: int = 0
    wrong: int = 0
    missing: int = 0


Table = dict[str, dict[str, Count]]


def blocks_of(twin: Path) -> Iterator[dict[str, Any]]:
    document = json.loads(twin.read_text())["Document"]
    message = document.get("CstmrCdtTrfInitn")
    if message is not None:
        yield from message["PmtInf"]


def account_of(block: dict[str, Any], currency: str) -> Account | None:
    """The debtor's account; None in a currency in which we order nothing."""
    if currency not in ("CHF", "EUR"):
        return None
    address = block["Dbtr"].get("PstlAdr", {})
    return Account(
        name=block["Dbtr"]["Nm"],
        iban=block["DbtrAcct"]["Id"]["IBAN"],
        bic=next(iter(block["DbtrAgt"]["FinInstnId"].values())),
        currency=currency,
        town=address["TwnNm"],
        country=address["Ctry"],
    )


def invoice_of(transaction: dict[str, Any]) -> Payable:
    amount = transaction["Amt"]["InstdAmt"]
    creditor, remittance = transaction["Cdtr"], transaction.get("RmtInf", {})
    address = creditor.get("PstlAdr", {})
    structured = (remittance.get("Strd") or [{}])[0]
    values = {
        "payee_name": creditor["Nm"],
        "iban": transaction["CdtrAcct"]["Id"].get("IBAN", ""),
        "currency": amount["Ccy"],
        "reference": structured.get("CdtrRefInf", {}).get("Ref", ""),
        "message": (remittance.get("Ustrd") or structured.get("AddtlRmtInf") or [""])[0],
        "payee_street": (address.get("AdrLine") or [address.get("StrtNm", "")])[0],
        "payee_building_number": address.get("BldgNb", ""),
        "payee_postal_code": address.get("PstCd", ""),
        "payee_town": address.get("TwnNm", ""),
        "payee_country": address.get("Ctry", ""),
    }
    known = {name: value for name, value in values.items() if value}
    return Payable(uuid4(), "invoice", PaymentState.OPEN, known, Decimal(amount["amt"]), None)


def truth_of(block: dict[str, Any], transaction: dict[str, Any]) -> dict[str, str]:
    """What has to stand in the order, as the twin says it."""
    remittance = transaction.get("RmtInf", {})
    structured = (remittance.get("Strd") or [{}])[0].get("CdtrRefInf", {})
    day = block["ReqdExctnDt"]
    written = day if isinstance(day, str) else day.get("Dt") or day["DtTm"]
    truth = {
        "account": block["DbtrAcct"]["Id"]["IBAN"],
        "execution date": written[:10],
        "amount": transaction["Amt"]["InstdAmt"]["amt"],
        "currency": transaction["Amt"]["InstdAmt"]["Ccy"],
        "IBAN": transaction["CdtrAcct"]["Id"]["IBAN"],
        "payee": transaction["Cdtr"]["Nm"],
        "town": transaction["Cdtr"].get("PstlAdr", {}).get("TwnNm", ""),
        "country": transaction["Cdtr"].get("PstlAdr", {}).get("Ctry", ""),
        "reference type": next(iter(structured.get("Tp", {}).get("CdOrPrtry", {}).values()), ""),
        "reference": structured.get("Ref", ""),
        "message": (remittance.get("Ustrd") or [""])[0],
    }
    return {name: value for name, value in truth.items() if value}


def written_of(message: bytes) -> dict[str, str]:
    """The one order of a file of ours."""
    root = etree.fromstring(message)
    paths = {
        "account": ".//p:DbtrAcct/p:Id/p:IBAN", "execution date": ".//p:ReqdExctnDt/p:Dt",
        "amount": ".//p:InstdAmt", "IBAN": ".//p:CdtrAcct/p:Id/p:IBAN", "payee": ".//p:Cdtr/p:Nm",
        "town": ".//p:Cdtr/p:PstlAdr/p:TwnNm", "country": ".//p:Cdtr/p:PstlAdr/p:Ctry",
        "reference": ".//p:CdtrRefInf/p:Ref", "message": ".//p:Ustrd",
    }  # fmt: skip
    found = {name: root.findtext(path, "", SPACE) for name, path in paths.items()}
    found["currency"] = root.find(".//p:InstdAmt", SPACE).get("Ccy")
    kind = root.find(".//p:CdOrPrtry", SPACE)
    found["reference type"] = "" if kind is None else kind[0].text
    return {name: value for name, value in found.items() if value}


def test_what_others_ordered_is_ordered_here_the_same_way(corpus: Path) -> None:
    table: Table = defaultdict(lambda: defaultdict(Count))
    schemas = [etree.XMLSchema(etree.parse(file)) for file in corpus.glob("payments/xsd/pain.001.001.09.xsd")]
    for twin in sorted(corpus.glob("payments/pain001/*/*/*.iso.json")):
        kind = f"{twin.parent.parent.name} {twin.parent.name}"
        for block in blocks_of(twin):
            for transaction in block["CdtTrfTxInf"]:
                compare(table, kind, block, transaction, schemas)
    if not table:
        pytest.skip(f"no payment files in {corpus}")
    print("\n" + "\n".join(printed(table)))
    check_baseline(table)
    ordered = [cell for kind, cells in table.items() if "cross-border" not in kind for cell in cells.values()]
    assert all(cell.wrong == cell.missing == 0 for cell in ordered)


def compare(
    table: Table, kind: str, block: dict[str, Any], transaction: dict[str, Any], schemas: list[Any]
) -> None:
    invoice = invoice_of(transaction)
    account = account_of(block, invoice.values["currency"])
    if account is None or not invoice.iban:
        # A payment abroad: refused with its own code, whichever account there is.
        wish = Wish(date(2026, 9, 1), date(2026, 12, 31))
        refused = judge(invoice, [account] if account else [], wish)
        code = "" if isinstance(refused, Order) or refused.failure is None else refused.failure.code
        right = code == "payment_abroad_unsupported"
        cell = table[kind]["refused"]
        cell.right, cell.wrong = cell.right + right, cell.wrong + (not right)
        return
    truth = truth_of(block, transaction)
    day = date.fromisoformat(truth["execution date"])
    order = judge(invoice, [account], Wish(date(2026, 9, 1), day, execution_date=day))
    assert isinstance(order, Order), order
    (some,) = by_bank([order])
    message = render(make_file(uuid4(), datetime.now(UTC), some), "1")
    assert violations(message) == []
    for schema in schemas:
        schema.assertValid(etree.fromstring(message))
    found = written_of(message)
    for name, value in truth.items():
        cell = table[kind][name]
        if name not in found:
            cell.missing += 1
        elif found[name] in (value, value.translate(SPELT)):
            cell.right += 1
        else:
            cell.wrong += 1
            print(f"{kind}: {name} is {value!r}, written as {found[name]!r}")


def test_every_transaction_of_a_status_report_is_found(corpus: Path) -> None:
    files = sorted(corpus.glob("payments/pain002/*.xml"))
    if not files:
        pytest.skip(f"no status reports in {corpus}")
    table: Table = defaultdict(lambda: defaultdict(Count))
    for file in files:
        content = file.read_bytes()
        said = {
            one.payment_id: one for one in read_message(content, file.name).said if one.payment_id is not None
        }
        for transaction in re.findall(rb"<TxInfAndSts>.*?</TxInfAndSts>", content, re.S):
            truth = {
                "end-to-end id": _inside(transaction, b"OrgnlEndToEndId"),
                "status": _inside(transaction, b"TxSts"),
                "reason": _inside(transaction, b"Cd"),
                "amount": _inside(transaction, b"InstdAmt"),
            }
            one = said.get(truth["end-to-end id"] or "")
            found = {} if one is None else {
                "end-to-end id": one.payment_id, "status": one.status, "reason": one.reason_code,
                "amount": None if one.amount is None else f"{one.amount:f}",
            }  # fmt: skip
            for name, value in truth.items():
                if value is not None:
                    cell = table["pain.002"][name]
                    cell.right += found.get(name) == value
                    cell.wrong += found.get(name) not in (None, value)
                    cell.missing += found.get(name) is None
    print("\n" + "\n".join(printed(table)))
    check_baseline(table)
    assert all(cell.wrong == cell.missing == 0 for cell in table["pain.002"].values())


def test_the_public_report_rejects_one_and_accepts_the_other(corpus: Path) -> None:
    files = list(corpus.glob("payments/pain002/sample_pain.002.001.10_PART.xml"))
    if not files:
        pytest.skip(f"no such report in {corpus}")
    said = read_message(files[0].read_bytes(), files[0].name).said
    assert {one.payment_id: (one.verdict, one.reason_code) for one in said} == {
        "E2EOK": (Verdict.ACCEPTED, None),
        "E2ENO": (Verdict.REJECTED, "AC04"),
    }


def _inside(element: bytes, name: bytes) -> str | None:
    found = re.search(rb"<%s(?: [^>]*)?>([^<]*)</%s>" % (name, name), element)
    return found[1].decode().strip() if found else None


def printed(table: Table) -> Iterator[str]:
    yield f"{'kind':<28}{'field':<18}{'right':>7}{'wrong':>7}{'missing':>9}"
    for kind, fields in sorted(table.items()):
        for field, cell in sorted(fields.items()):
            yield f"{kind:<28}{field:<18}{cell.right:>7}{cell.wrong:>7}{cell.missing:>9}"


def check_baseline(table: Table) -> None:
    """Every cell against the baseline; other samples than the baseline's have none to hold."""
    known = json.loads(BASELINE.read_text()) if BASELINE.exists() else {}
    if os.environ.get("TAGWERK_BASELINE") == "write":
        known |= {
            kind: {field: asdict(cell) for field, cell in cells.items()} for kind, cells in table.items()
        }
        BASELINE.write_text(json.dumps(known, indent=1, sort_keys=True) + "\n")
    for kind, fields in table.items():
        for field, now in fields.items():
            before = Count(**known.get(kind, {}).get(field, {}))
            if sum(asdict(before).values()) == sum(asdict(now).values()):
                assert now.right >= before.right, f"{kind}, {field}: {now.right}, {before.right} before"
                assert now.wrong <= before.wrong, f"{kind}, {field}: {now.wrong} wrong, {before.wrong} before"


@pytest.mark.parametrize(
    ("answer", "schema", "version"),
    [
        # There is no schema of .10 among the samples; what we write of it is the same in .12.
        (status_report, "payments/xsd/pain.002.001.12.xsd", ("pain.002.001.10", "pain.002.001.12")),
        (statement, "bank/camt-xsd/camt.053.001.08.xsd", ("", "")),
    ],
)
def test_the_bank_of_the_demo_keeps_the_official_schemas(
    corpus: Path, answer: Any, schema: str, version: tuple[str, str]
) -> None:
    if not (corpus / schema).is_file():
        pytest.skip(f"no {schema} in {corpus}")
    sent = orders("qrr", "scor")
    reasons = {sent[1].payment_id: "AC04"}
    content = (
        answer(written(*sent), reasons) if answer is status_report else answer(written(*sent), None, reasons)
    )
    etree.XMLSchema(etree.parse(corpus / schema)).assertValid(
        etree.fromstring(content.replace(version[0].encode(), version[1].encode()))
    )
