"""Where a Prometheus finds the services of a stack: a list in its state folder, for `file_sd_configs`."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from deploy.local.ports import LOOPBACK

#: Made anew at each start.
TARGETS: Final = "prometheus.json"


def write_targets(state: Path, ports: Mapping[str, int]) -> None:
    """`ports`: service -> port of its health and metrics. A reader sees the old or the new list."""
    targets = [
        {"targets": [f"{LOOPBACK}:{port}"], "labels": {"service": service}}
        for service, port in sorted(ports.items())
    ]
    unfinished = state / f"{TARGETS}.unfinished"
    unfinished.write_text(json.dumps(targets, indent=2) + "\n")
    unfinished.replace(state / TARGETS)
