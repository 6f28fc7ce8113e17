"""Every expression of dashboards and alert rules parses, and names only metrics and labels that there are."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import promql_parser
import pytest
import yaml

from shared.metrics import definitions as _  # noqa: F401  (defines them)
from shared.metrics.registry import DEFINITIONS, REGISTRY

DEPLOY = Path(__file__).parents[3] / "deploy"

#: What Prometheus and our targets add to every series.
TARGET = {"job", "instance", "service"}


def _known() -> dict[str, set[str]]:
    """Name -> its labels."""
    known = {
        name: {*one.labels, *(["le"] if name.endswith("_bucket") else [])}
        for one in DEFINITIONS
        for name in one.series
    }
    for line in (DEPLOY / "prometheus" / "exporters.txt").read_text().splitlines():
        if line and not line.startswith("#"):
            name, *labels = line.split()
            known[name] = set(labels)
    return known


def _expressions() -> Iterator[tuple[str, str]]:
    for file in sorted((DEPLOY / "grafana" / "dashboards").glob("*.json")):
        board = json.loads(file.read_text())
        for panel in board["panels"]:
            for target in panel["targets"]:
                yield f"{file.stem}: {panel['title']}", target["expr"]
    for group in yaml.safe_load((DEPLOY / "prometheus" / "rules.yml").read_text())["groups"]:
        for rule in group["rules"]:
            yield rule["alert"], rule["expr"]


def wrong_in(expression: str) -> list[str]:
    """What the expression names that there is not. Raises `ValueError` if it does not parse."""
    plain = re.sub(r"\$__(rate_)?interval", "5m", expression)
    known, wrong, seen = _known(), [], set[str]()

    def look(node: Any) -> None:
        if isinstance(node, promql_parser.VectorSelector):
            if node.name not in known:
                wrong.append(f"metric {node.name}")
                return
            seen.update(known[node.name])
            wrong.extend(
                f"label {matcher.name} of {node.name}"
                for matcher in node.matchers.matchers
                if matcher.name not in known[node.name] | TARGET
            )

    def look_at_groups(node: Any) -> None:
        if isinstance(node, promql_parser.AggregateExpr) and node.modifier is not None:
            wrong.extend(f"label {label}" for label in node.modifier.labels if label not in seen | TARGET)

    tree = promql_parser.parse(plain)
    promql_parser.walk(tree, look)
    promql_parser.walk(tree, look_at_groups)
    return wrong


@pytest.mark.parametrize(("where", "expression"), list(_expressions()))
def test_it_parses_and_names_what_there_is(where: str, expression: str) -> None:
    assert wrong_in(expression) == []


def test_what_there_is_not_is_found() -> None:
    assert wrong_in("sum by (job_name) (rate(tagwerk_runs_total[5m]))") == [
        "metric tagwerk_runs_total",
        "label job_name",
    ]
    assert wrong_in('tagwerk_slots{run_id="x"}') == ["label run_id of tagwerk_slots"]
    with pytest.raises(ValueError, match=r"range vector|matrix"):
        wrong_in("sum(rate(tagwerk_slots))")


def test_legends_name_labels_that_the_expression_keeps() -> None:
    for file in (DEPLOY / "grafana" / "dashboards").glob("*.json"):
        for panel in json.loads(file.read_text())["panels"]:
            for target in panel["targets"]:
                for label in re.findall(r"{{(\w+)}}", target["legendFormat"]):
                    kept = label in target["expr"]
                    if " by " not in target["expr"]:
                        kept = kept or label in TARGET | _all_labels()
                    assert kept, (file.stem, panel["title"], label)


def _all_labels() -> set[str]:
    return set().union(*_known().values())


def test_every_metric_of_the_registry_is_defined_bounded_and_named_by_convention() -> None:
    defined = {one.name.removesuffix("_total") for one in DEFINITIONS}
    found = {family.name for family in REGISTRY.collect() if family.name.startswith("tagwerk_")}
    assert found == defined
    for one in DEFINITIONS:
        assert one.name.endswith("_total") is (one.type == "counter"), one.name
        # A series for each of these would never end; `job` is Prometheus' own word for a scrape.
        assert not {"run_id", "client", "principal", "subject", "document", "path", "job"} & {*one.labels}
        if one.type == "histogram":
            assert one.name.endswith("_seconds"), one.name
