"""A small interpreter of PromQL, for the operators that our alert rules use.

Why our own: Prometheus' `promtool` is no Python package. What it does not know it refuses, so that no rule is
taken for tested that is not.
"""

import itertools
import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import promql_parser as p

Labels = frozenset[tuple[str, str]]
#: A vector: what stands for each set of labels, without the name of the metric.
Vector = dict[Labels, float]
Value = float | Vector

#: Seconds for which a sample counts as the newest.
STALE = 300.0


@dataclass(frozen=True)
class Series:
    name: str
    labels: Mapping[str, str]
    #: (seconds, value), in the order of time.
    samples: Sequence[tuple[float, float]]


class NotKnown(Exception):
    """The expression uses something that this interpreter does not know."""


def evaluate(expression: str, series: Sequence[Series], at: float) -> Vector:
    """The instant vector at `at` seconds."""
    value = _value(p.parse(expression), series, at)
    if not isinstance(value, dict):
        raise NotKnown("a rule gives a vector")
    return value


def _value(node: Any, series: Sequence[Series], at: float) -> Value:
    match node:
        case p.NumberLiteral():
            return float(node.val)
        case p.ParenExpr():
            return _value(node.expr, series, at)
        case p.VectorSelector():
            found = {}
            for one in _matching(node, series):
                seen = _between(one, at - _offset(node) - STALE, at - _offset(node))
                if seen:
                    found[frozenset(one.labels.items())] = seen[-1][1]
            return found
        case p.Call():
            return _call(node, series, at)
        case p.AggregateExpr():
            return _aggregate(node, _value(node.expr, series, at))
        case p.BinaryExpr():
            return _binary(node, _value(node.lhs, series, at), _value(node.rhs, series, at))
    raise NotKnown(type(node).__name__)


def _matching(node: Any, series: Sequence[Series]) -> list[Series]:
    tests: dict[str, Callable[[str, str], bool]] = {
        "Equal": lambda have, want: have == want,
        "NotEqual": lambda have, want: have != want,
        "Re": lambda have, want: re.fullmatch(want, have) is not None,
        "NotRe": lambda have, want: re.fullmatch(want, have) is None,
    }
    return [
        one
        for one in series
        if one.name == node.name
        and all(
            tests[str(matcher.op).rpartition(".")[2]](one.labels.get(matcher.name, ""), matcher.value)
            for matcher in node.matchers.matchers
        )
    ]


def _offset(node: Any) -> float:
    return 0.0 if node.offset is None else float(node.offset.total_seconds())


def _between(one: Series, since: float, until: float) -> list[tuple[float, float]]:
    return [(when, value) for when, value in one.samples if since < when <= until]


def _call(node: Any, series: Sequence[Series], at: float) -> Value:
    name = node.func.name
    if name == "time":
        return float(at)
    if name not in ("increase", "rate"):
        raise NotKnown(name)
    (matrix,) = node.args
    window = matrix.range.total_seconds()
    until = at - _offset(matrix.vector_selector)
    grown: Vector = {}
    for one in _matching(matrix.vector_selector, series):
        seen = _between(one, until - window, until)
        if len(seen) < 2:
            continue
        pairs = itertools.pairwise(seen)
        rise = sum(after - before if after >= before else after for (_, before), (_, after) in pairs)
        # As Prometheus: as if it had gone on like this over the whole window.
        increase = rise * window / (seen[-1][0] - seen[0][0])
        grown[frozenset(one.labels.items())] = increase / window if name == "rate" else increase
    return grown


def _aggregate(node: Any, inner: Value) -> Vector:
    if not isinstance(inner, dict):
        raise NotKnown("an aggregation of a number")
    by = [] if node.modifier is None else node.modifier.labels
    if node.modifier is not None and "By" not in str(node.modifier.type):
        raise NotKnown("without")
    groups: dict[Labels, list[float]] = {}
    for labels, value in inner.items():
        groups.setdefault(_only(labels, by), []).append(value)
    how: dict[str, Callable[[list[float]], float]] = {"sum": math.fsum, "max": _max, "count": len}
    return {labels: float(how[str(node.op)](values)) for labels, values in groups.items()}


def _max(values: list[float]) -> float:
    """NaN only if there is nothing else."""
    numbers = [value for value in values if not math.isnan(value)]
    return max(numbers) if numbers else math.nan


def _only(labels: Labels, names: Sequence[str]) -> Labels:
    return frozenset(pair for pair in labels if pair[0] in names)


_ARITHMETIC: dict[str, Callable[[float, float], float]] = {
    "-": lambda left, right: left - right,
    "/": lambda left, right: left / right if right else math.nan,
}
_COMPARING: dict[str, Callable[[float, float], bool]] = {
    "==": lambda left, right: left == right,
    ">": lambda left, right: left > right,
    ">=": lambda left, right: left >= right,
}


def _binary(node: Any, left: Value, right: Value) -> Value:
    op = str(node.op)
    if op in ("and", "unless"):
        assert isinstance(left, dict)
        assert isinstance(right, dict)
        keys = {_key(node, labels) for labels in right}
        return {
            labels: value for labels, value in left.items() if (_key(node, labels) in keys) is (op == "and")
        }
    if isinstance(left, float) and isinstance(right, float):
        return _ARITHMETIC[op](left, right)
    pairs: list[tuple[Labels, float, float]]
    if isinstance(left, dict) and isinstance(right, dict):
        others = {_key(node, labels): value for labels, value in right.items()}
        pairs = [
            (labels, value, others[_key(node, labels)])
            for labels, value in left.items()
            if _key(node, labels) in others
        ]
    elif isinstance(left, dict) and isinstance(right, float):
        pairs = [(labels, value, right) for labels, value in left.items()]
    elif isinstance(right, dict) and isinstance(left, float):
        pairs = [(labels, left, value) for labels, value in right.items()]
    else:
        raise NotKnown("operands")
    if op in _ARITHMETIC:
        return {labels: _ARITHMETIC[op](one, other) for labels, one, other in pairs}
    return {labels: one for labels, one, other in pairs if _COMPARING[op](one, other)}


def _key(node: Any, labels: Labels) -> Labels:
    matching = None if node.modifier is None else node.modifier.matching
    if matching is None:
        return labels
    if "Include" not in str(matching.type):
        raise NotKnown("ignoring")
    return _only(labels, matching.labels)
