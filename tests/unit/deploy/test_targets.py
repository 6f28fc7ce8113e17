"""Where a Prometheus finds the services."""

import json
from pathlib import Path

from deploy.local.targets import TARGETS, write_targets


def test_each_service_is_a_target_with_its_name(tmp_path: Path) -> None:
    write_targets(tmp_path, {"status": 9001, "audit": 9000})
    assert json.loads((tmp_path / TARGETS).read_text()) == [
        {"targets": ["127.0.0.1:9000"], "labels": {"service": "audit"}},
        {"targets": ["127.0.0.1:9001"], "labels": {"service": "status"}},
    ]
