"""The collector's configuration: complete, in the right order, and keeping what has to be kept."""

from pathlib import Path
from typing import Any

import pytest
import yaml

CONFIGURATION = Path(__file__).parents[3] / "deploy" / "otel" / "collector.yaml"

#: What each kind of policy needs, by the collector's documentation.
NEEDS = {
    "status_code": {"status_codes"},
    "latency": {"threshold_ms"},
    "numeric_attribute": {"key", "min_value", "max_value"},
    "probabilistic": {"sampling_percentage"},
}


@pytest.fixture(scope="module")
def collector() -> dict[str, Any]:
    read: dict[str, Any] = yaml.safe_load(CONFIGURATION.read_text())
    return read


@pytest.fixture(scope="module")
def policies(collector: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {policy["type"]: policy for policy in collector["processors"]["tail_sampling"]["policies"]}


@pytest.mark.parametrize("kind", ["receivers", "processors", "exporters"])
def test_what_the_pipeline_names_is_there_and_all_of_it_is_used(collector: dict[str, Any], kind: str) -> None:
    pipelines = collector["service"]["pipelines"]
    assert set(pipelines) == {"traces"}
    assert set(pipelines["traces"][kind]) == set(collector[kind])


def test_every_extension_that_is_named_is_there(collector: dict[str, Any]) -> None:
    assert set(collector["service"]["extensions"]) == set(collector["extensions"])


def test_memory_is_guarded_before_anything_is_kept_and_batches_are_made_last(
    collector: dict[str, Any],
) -> None:
    order = collector["service"]["pipelines"]["traces"]["processors"]
    assert order == ["memory_limiter", "tail_sampling", "batch"]


def test_services_find_it_where_they_send(collector: dict[str, Any]) -> None:
    address = collector["receivers"]["otlp"]["protocols"]["http"]["endpoint"]
    assert address.endswith(":4318"), "the port of OTLP over HTTP"


def test_each_policy_says_what_its_kind_needs(policies: dict[str, dict[str, Any]]) -> None:
    assert {kind: set(policy[kind]) for kind, policy in policies.items()} == NEEDS


def test_failed_and_slow_runs_and_retries_are_always_kept(policies: dict[str, dict[str, Any]]) -> None:
    assert policies["status_code"]["status_code"]["status_codes"] == ["ERROR"]
    assert 0 < policies["latency"]["latency"]["threshold_ms"] <= 10_000
    repeated = policies["numeric_attribute"]["numeric_attribute"]
    assert (repeated["key"], repeated["min_value"]) == ("tagwerk.attempt", 2)
    assert 0 < policies["probabilistic"]["probabilistic"]["sampling_percentage"] < 100


def test_what_was_kept_is_remembered_and_what_was_not_is_looked_at_again(collector: dict[str, Any]) -> None:
    remembered = collector["processors"]["tail_sampling"]["decision_cache"]
    assert remembered["sampled_cache_size"] > collector["processors"]["tail_sampling"]["num_traces"]
    assert "non_sampled_cache_size" not in remembered, "a retry that fails later would be dropped unseen"
