"""What others say of their samples: JSON beside camt files (genkgo/camt), YAML beside MT940 files (mt940)."""

import json
import re
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import yaml

#: Field -> value of one entry, or of a statement.
Facts = dict[str, Any]

#: Currencies without decimals that occur in the samples.
_WHOLE = frozenset({"JPY"})


def of_json(file: Path) -> tuple[list[Facts], list[Facts]]:
    """Statements and booked entries, as far as the JSON tells them."""
    told = json.loads(file.read_text())
    records: dict[str, Facts] = {}
    entries = []
    for entry in told.get("getEntries") or []:
        record = entry.get("getRecord")
        if isinstance(record, dict):
            records.setdefault(json.dumps(record.get("getId")), _statement(record))
        if entry.get("getStatus") not in (None, "BOOK"):
            continue
        entries.append(_entry(entry))
    return list(records.values()), entries


def _statement(record: Any) -> Facts:
    facts: Facts = {"account": (record.get("getAccount") or {}).get("getIdentification")}
    for balance in record.get("getBalances") or []:
        kind = balance.get("getType")
        if kind in ("opening", "closing"):
            facts.setdefault(kind, _money(balance["getAmount"]))
    return facts


def _entry(entry: Any) -> Facts:
    facts: Facts = {
        "amount": _money(entry["getAmount"]),
        "currency": entry["getAmount"]["getCurrency"]["getCode"],
        "booked": _day(entry.get("getBookingDate")),
        "valued": _day(entry.get("getValueDate")),
        "bank reference": entry.get("getAccountServicerReference"),
        "reversal": bool(entry.get("getReversalIndicator")),
    }
    details = [one for one in entry.get("getTransactionDetails") or [] if isinstance(one, dict)]
    if len(details) == 1:
        (detail,) = details
        references = detail.get("getReferences") or []
        if references and isinstance(references[0], dict):
            facts["payment id"] = references[0].get("getEndToEndId")
        remittance = detail.get("getRemittanceInformation")
        if isinstance(remittance, dict):
            reference = remittance.get("getCreditorReferenceInformation")
            if isinstance(reference, dict):
                facts["reference"] = reference.get("getRef")
        side = "Creditor" if facts["amount"] < 0 else "Debtor"
        for party in detail.get("getRelatedParties") or []:
            kind = party.get("getRelatedPartyType") if isinstance(party, dict) else None
            if isinstance(kind, dict) and kind["__CLASS__"].endswith(f"\\{side}"):
                facts["party"] = kind.get("getName")
    return {name: value for name, value in facts.items() if value not in (None, "")}


def _money(told: Any) -> Decimal:
    places = 0 if told["getCurrency"]["getCode"] in _WHOLE else 2
    return Decimal(told["getAmount"]).scaleb(-places)


def _day(told: Any) -> str | None:
    return told["0"][:10] if isinstance(told, dict) else None


class _Loader(yaml.SafeLoader):
    """Reads objects of a library that is not there as the data that they hold."""


def _object(loader: Any, suffix: str, node: Any) -> Any:
    if isinstance(node, yaml.MappingNode):
        return loader.construct_mapping(node, deep=True)
    if isinstance(node, yaml.SequenceNode):
        items = loader.construct_sequence(node, deep=True)
        if suffix.endswith("Decimal"):
            return Decimal(items[0])
        if items and isinstance(items[0], bytes) and len(items[0]) == 4:
            return date(items[0][0] * 256 + items[0][1], items[0][2], items[0][3])
        return items
    return loader.construct_scalar(node)


_Loader.add_multi_constructor("tag:yaml.org,2002:python/", _object)


def of_yaml(file: Path) -> tuple[Facts, list[Facts]]:
    """The facts of the last statement, and all entries."""
    # Each transaction refers back to the whole, which cannot be built before its parts.
    text = re.sub(r"(?m)^( *)transactions: \*\w+$", r"\1transactions: []", file.read_text())
    told = yaml.load(text, _Loader)
    data = told.get("data") or {}
    statement: Facts = {"account": data.get("account_identification")}
    for name in ("opening", "closing"):
        balance = data.get(f"final_{name}_balance")
        if balance:
            statement[name] = balance["amount"]["amount"]
    entries = [_swift_entry(one["data"]) for one in told.get("transactions") or []]
    return {k: v for k, v in statement.items() if v is not None}, entries


def _swift_entry(told: Any) -> Facts:
    facts = {
        "amount": told["amount"]["amount"] if isinstance(told.get("amount"), dict) else None,
        "currency": told.get("currency"),
        "valued": told["date"].isoformat() if told.get("date") else None,
        "booked": told["entry_date"].isoformat() if told.get("entry_date") else None,
        "bank reference": told.get("bank_reference"),
    }
    return {name: value for name, value in facts.items() if value not in (None, "")}
