"""A figure: the median of several runs with its spread, printed for people and kept as a JSON line."""

import json
import statistics
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table


@dataclass(frozen=True, slots=True)
class Figure:
    name: str
    #: The median.
    value: float
    unit: str
    min: float
    max: float
    #: How many measurements.
    n: int
    conditions: dict[str, Any]
    #: What it must not exceed; None where nothing is asked for.
    target: float | None = None

    @property
    def verdict(self) -> str:
        if self.target is None:
            return ""
        return "reached" if self.value <= self.target else "MISSED"

    @classmethod
    def of(cls, name: str, unit: str, values: Sequence[float], **conditions: Any) -> "Figure":
        return cls(
            name,
            round(statistics.median(values), 3),
            unit,
            round(min(values), 3),
            round(max(values), 3),
            len(values),
            conditions,
        )

    def within(self, target: float | None) -> "Figure":
        """It must not exceed `target`."""
        return replace(self, target=target)


class Report:
    """Figures as they are measured."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._at = datetime.now(UTC).isoformat(timespec="seconds")
        self.figures: list[Figure] = []
        self._console = Console()

    def add(self, figure: Figure) -> None:
        self.figures.append(figure)
        self._path.parent.mkdir(parents=True, exist_ok=True)
        with self._path.open("a") as file:
            file.write(json.dumps({**asdict(figure), "at": self._at}) + "\n")
        told = ", ".join(f"{key}={value}" for key, value in figure.conditions.items())
        if figure.target is not None:
            told = f"{figure.verdict} (at most {figure.target:g}) {told}"
        self._console.print(f"  {figure.name:28} {figure.value:>12,.2f} {figure.unit:10} {told}")

    def print(self) -> None:
        table = Table(title="Medians, with the smallest and largest measurement")
        left = ("figure", "unit", "verdict", "conditions")
        for column in ("figure", "median", "min", "max", "n", "unit", "at most", "verdict", "conditions"):
            table.add_column(column, justify="left" if column in left else "right")
        for figure in self.figures:
            table.add_row(
                figure.name,
                f"{figure.value:,.2f}",
                f"{figure.min:,.2f}",
                f"{figure.max:,.2f}",
                str(figure.n),
                figure.unit,
                "" if figure.target is None else f"{figure.target:g}",
                figure.verdict,
                ", ".join(f"{key}={value}" for key, value in figure.conditions.items()),
            )
        self._console.print(table)


def percentile(values: Sequence[float], percent: float) -> float:
    """The nearest-rank percentile."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, max(0, round(percent / 100 * len(ordered) + 0.5) - 1))]
