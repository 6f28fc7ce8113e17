"""Tables of right, wrong and missing fields per kind, and baselines that may only get better."""

import json
import os
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

from services.documents.analysts import Analysis
from tests.corpus.documents.truth import Truth, same


@dataclass
class Count:
    right: int = 0
    wrong: int = 0
    missing: int = 0
    #: Wrong, and reported as certain: the worst.
    certain_wrong: int = 0
    certain: int = 0

    @property
    def all(self) -> int:
        return self.right + self.wrong + self.missing


Table = dict[str, dict[str, Count]]


def new_table() -> Table:
    return defaultdict(lambda: defaultdict(Count))


def count(table: Table, kind: str, truth: Truth, found: Analysis, name: str) -> None:
    said = {field.name: field for field in found.fields}
    for field, value in truth.items():
        cell = table[kind][field]
        if field not in said:
            cell.missing += 1
            continue
        certain = said[field].verdict == "certain"
        cell.certain += certain
        if same(field, said[field].value, value):
            cell.right += 1
        else:
            cell.wrong += 1
            cell.certain_wrong += certain
            print(f"{name}: {field} is {value!r}, read as {said[field].value!r} ({said[field].verdict})")


def printed(table: Table) -> Iterator[str]:
    heads = f"{'right':>7}{'wrong':>7}{'missing':>9}{'certain wrong':>15}{'certain':>9}"
    yield f"{'kind':<24}{'field':<22}{heads}"
    for kind, fields in sorted(table.items()):
        for field, cell in [*sorted(fields.items()), ("ALL", total_of(table, kind))]:
            yield (
                f"{kind:<24}{field:<22}{cell.right:>7}{cell.wrong:>7}{cell.missing:>9}"
                f"{cell.certain_wrong:>15}{cell.certain:>9}"
            )


def total_of(table: Table, kind: str) -> Count:
    cells = table[kind].values()
    return Count(*(sum(getattr(cell, name) for cell in cells) for name in asdict(Count())))


def compare(table: Table, baseline: Path) -> None:
    """Write the baseline with `TAGWERK_BASELINE=write`, else hold every cell against it; other samples than
    the baseline's have no baseline to hold."""
    if os.environ.get("TAGWERK_BASELINE") == "write":
        plain = {
            kind: {field: asdict(cell) for field, cell in fields.items()} for kind, fields in table.items()
        }
        baseline.write_text(json.dumps(plain, indent=1, sort_keys=True) + "\n")
        return
    for kind, fields in json.loads(baseline.read_text()).items():
        for field, kept in fields.items():
            before, now = Count(**kept), table[kind][field]
            if now.all != before.all:
                continue
            where = f"{kind}, {field}"
            assert now.right >= before.right, f"{where}: {now.right} right, {before.right} before"
            assert now.wrong <= before.wrong, f"{where}: {now.wrong} wrong, {before.wrong} before"
            assert now.certain_wrong <= before.certain_wrong, f"{where}: more is wrong and called certain"
