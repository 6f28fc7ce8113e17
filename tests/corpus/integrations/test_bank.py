"""Statements that others made: right, wrong and missing per kind and field, against a committed baseline."""

import json
import os
from collections import Counter, defaultdict
from decimal import Decimal
from pathlib import Path
from typing import Any

import orjson
import pytest

from services.integrations.bank.readers.reader import Reader
from services.integrations.bank.readers.values import account_of
from shared.process_child import Refused
from tests.corpus.integrations.bank_truth import Facts, of_json, of_yaml

BASELINE = Path(__file__).with_name("baseline_bank.json")

#: Kind -> field -> right, wrong, missing.
Table = dict[str, dict[str, Counter[str]]]


def read(file: Path) -> tuple[list[Facts], list[Facts]]:
    """Statements and entries in the order of the file, in the words of the truth."""
    reader = Reader(str(file), 50_000_000)
    statements, entries = [], []
    for number, head in enumerate(reader.read()):
        facts: Facts = {"account": head["account"]}
        for name in ("opening", "closing"):
            if head[name]:
                facts[name] = Decimal(head[name]["amount"])
        statements.append(facts)
        found: list[dict[str, Any]] = []
        place: int | None = 0
        while place is not None:
            answer = orjson.loads(reader.batch(number, place, 500))
            found += answer["entries"]
            place = answer["next"]
        entries += [entry_facts(one) for one in sorted(found, key=lambda one: one["position"])]
    return statements, entries


def entry_facts(entry: dict[str, Any]) -> Facts:
    details = entry.get("details", [])
    detail = details[0] if len(details) == 1 else {}
    facts = {
        "amount": Decimal(entry["amount"]),
        "currency": entry.get("currency"),
        "booked": entry.get("booked"),
        "valued": entry.get("valued"),
        "bank reference": entry.get("bank_ref"),
        "reversal": entry.get("reversal", False),
        "payment id": detail.get("payment_id"),
        "reference": (detail.get("references") or [None])[0],
        "party": detail.get("party"),
    }
    return {name: value for name, value in facts.items() if value not in (None, "")}


def count(table: Table, kind: str, truth: Facts, found: Facts | None, where: str) -> None:
    for field, value in truth.items():
        mine = None if found is None else found.get(field)
        if field == "account":
            value = account_of(str(value))
        verdict = "missing" if mine is None else "right" if mine == value else "wrong"
        table[kind][field][verdict] += 1
        if verdict != "right":
            print(f"{where}: {field} is {value!r}, read {mine!r}")


@pytest.fixture
def copy(tmp_path: Path) -> Any:
    """Copies a sample: the reader keeps its spool beside the file."""

    def copy(file: Path) -> Path:
        target = tmp_path / file.name
        target.write_bytes(file.read_bytes())
        return target

    return copy


def test_statements_are_read_as_well_as_ever(corpus: Path, copy: Any) -> None:
    table: Table = defaultdict(lambda: defaultdict(Counter))
    for file in sorted(corpus.glob("bank/camt/*.xml")):
        twin = file.with_suffix(".json")
        if not twin.exists():
            continue
        statements, entries = of_json(twin)
        compare(table, f"camt {file.stem[:7].lower()}", statements, entries, copy(file))
    for file in sorted(corpus.glob("bank/mt940/*/*.sta")):
        last, entries = of_yaml(file.with_suffix(".yml"))
        compare(
            table, f"mt940 {file.parent.name}", [last] if last else [], entries, copy(file), only_last=True
        )
    if not table:
        pytest.skip(f"no samples in {corpus}")
    print("\n" + "\n".join(printed(table)))
    if os.environ.get("TAGWERK_BASELINE") == "write":
        plain = {
            kind: {field: dict(cell) for field, cell in fields.items()} for kind, fields in table.items()
        }
        BASELINE.write_text(json.dumps(plain, indent=1, sort_keys=True) + "\n")
    no_worse(table)


def compare(
    table: Table,
    kind: str,
    statements: list[Facts],
    entries: list[Facts],
    file: Path,
    *,
    only_last: bool = False,
) -> None:
    try:
        my_statements, my_entries = read(file)
    except Refused as refused:
        print(f"{file.name}: refused, {refused}")
        my_statements, my_entries = [], []
    if only_last:
        my_statements = my_statements[-1:]
    table[kind]["entries in the file"]["right" if len(entries) == len(my_entries) else "wrong"] += 1
    for number, truth in enumerate(statements):
        count(table, kind, truth, at(my_statements, number), file.name)
    for number, truth in enumerate(entries):
        count(table, kind, truth, at(my_entries, number), file.name)


def at(found: list[Facts], number: int) -> Facts | None:
    return found[number] if number < len(found) else None


def printed(table: Table) -> list[str]:
    lines = [f"{'kind':18} {'field':22} {'right':>6} {'wrong':>6} {'missing':>8}"]
    for kind, fields in table.items():
        for field, cell in fields.items():
            lines.append(f"{kind:18} {field:22} {cell['right']:6} {cell['wrong']:6} {cell['missing']:8}")
    return lines


def no_worse(table: Table) -> None:
    """Every cell against the baseline; other samples than the baseline's have no baseline to hold."""
    for kind, fields in json.loads(BASELINE.read_text()).items():
        for field, before in fields.items():
            now = table[kind][field]
            if now.total() == sum(before.values()):
                where = f"{kind}, {field}"
                assert now["right"] >= before.get("right", 0), where
                assert now["wrong"] <= before.get("wrong", 0), where


def test_a_message_without_a_statement_is_refused(corpus: Path, copy: Any) -> None:
    files = sorted(corpus.glob("bank/camt/*wrong.xml"))
    if not files:
        pytest.skip(f"no such sample in {corpus}")
    for file in files:
        with pytest.raises(Refused) as caught:
            read(copy(file))
        assert caught.value.code == "statement_malformed"


@pytest.mark.parametrize("name", ["laughs.xml", "xxe.xml"])
def test_hostile_xml_is_refused(corpus: Path, copy: Any, name: str) -> None:
    file = corpus / "hostile" / name
    if not file.exists():
        pytest.skip(f"no such sample in {corpus}")
    with pytest.raises(Refused) as caught:
        read(copy(file))
    assert caught.value.code == "statement_xml_unsafe"
