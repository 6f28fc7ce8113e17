"""`docs/metrics.md`, from the definitions of the metrics."""

from pathlib import Path
from typing import Final

from shared.metrics import definitions as _  # noqa: F401  (defines them)
from shared.metrics.registry import DEFINITIONS

PAGE: Final = Path(__file__).parents[1] / "docs" / "metrics.md"

_HEAD: Final = """# Metrics

What each service tells Prometheus at `/metrics` of its health port ([how](operations.md#metrics)). Made by
`python -m deploy.generated`. Besides these: the `process_…` metrics of the Prometheus client. Prometheus adds
`job` (its own word for the scrape), `service` and `instance`; our jobs are `job_name`.

| metric | type | labels | meaning | told by |
|---|---|---|---|---|
"""


def page() -> str:
    """The table of all metrics."""
    rows = (
        f"| `{one.name}` | {one.type} | {', '.join(f'`{label}`' for label in one.labels) or '–'} "
        f"| {one.meaning} | {one.told_by} |\n"
        for one in DEFINITIONS
    )
    return _HEAD + "".join(rows)
