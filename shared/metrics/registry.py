"""The registry of this process, and how a metric is defined so that `docs/metrics.md` can list it."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, disable_created_metrics
from prometheus_client.process_collector import ProcessCollector

# Beside each counter and histogram, when it began: `process_start_time_seconds` tells enough.
disable_created_metrics()  # type: ignore[no-untyped-call]

REGISTRY: Final = CollectorRegistry()
ProcessCollector(registry=REGISTRY)


@dataclass(frozen=True, slots=True)
class Definition:
    """One metric, as it is documented and as dashboards may use it."""

    #: As Prometheus shows it: a counter with `_total`.
    name: str
    #: `counter`, `gauge` or `histogram`.
    type: str
    meaning: str
    labels: tuple[str, ...]
    #: The services that tell it: their names, or in words.
    told_by: str

    @property
    def series(self) -> frozenset[str]:
        """Names under which it can be queried."""
        if self.type == "histogram":
            return frozenset(f"{self.name}{suffix}" for suffix in ("_bucket", "_sum", "_count"))
        return frozenset({self.name})


#: All of them, in the order of their definition.
DEFINITIONS: Final[list[Definition]] = []


def counter(name: str, meaning: str, labels: Sequence[str] = (), *, by: str) -> Counter:
    DEFINITIONS.append(Definition(name, "counter", meaning, tuple(labels), by))
    return Counter(name, meaning, labels, registry=REGISTRY)


def gauge(name: str, meaning: str, labels: Sequence[str] = (), *, by: str) -> Gauge:
    DEFINITIONS.append(Definition(name, "gauge", meaning, tuple(labels), by))
    made = Gauge(name, meaning, labels, registry=REGISTRY)
    if not labels:
        # Not 0, which would be a measurement, from services that measure nothing of the kind.
        made.set(math.nan)
    return made


def histogram(
    name: str, meaning: str, labels: Sequence[str] = (), *, by: str, buckets: Sequence[float]
) -> Histogram:
    """`buckets`: upper bounds in seconds."""
    DEFINITIONS.append(Definition(name, "histogram", meaning, tuple(labels), by))
    return Histogram(name, meaning, labels, registry=REGISTRY, buckets=buckets)
