"""What is written down is what is so."""

import json
import re
from pathlib import Path
from typing import get_args

from shared import events, subjects
from shared.contract import REQUESTS, asyncapi
from shared.provision import LIMITS
from shared.settings import Settings

ROOT = Path(__file__).parents[3]
OPERATIONS = (ROOT / "docs" / "operations.md").read_text()


def test_every_setting_is_documented_with_its_default() -> None:
    rows = dict(re.findall(r"^\| `(TAGWERK_[A-Z_]+)` \| .* \| (.*) \|$", OPERATIONS, re.MULTILINE))
    names = {f"TAGWERK_{name.upper()}" for name in Settings.model_fields}
    assert set(rows) == names
    for name, field in Settings.model_fields.items():
        written = rows[f"TAGWERK_{name.upper()}"]
        if field.is_required():
            assert written == "required"
        elif field.default is not None:
            assert (
                float(written) == field.default
                if isinstance(field.default, float)
                else written == str(field.default)
            )


def test_every_stream_is_documented_with_how_long_it_is_kept() -> None:
    for stream, (days, _) in LIMITS.items():
        assert re.search(rf"^\| `{stream}` \| {days:g} days", OPERATIONS, re.MULTILINE), stream
    assert set(LIMITS) == set(subjects.STREAMS)


def test_the_contract_has_every_event_and_every_query() -> None:
    document = json.loads(asyncapi())
    schemas = set(document["components"]["schemas"])
    models = [*get_args(events.RunEvent), *events.BUSINESS_EVENTS.values()]
    assert {model.__name__ for model in models} - schemas == set()
    assert set(subjects.QUERIES) - set(REQUESTS) == set()
    addresses = {channel["address"] for channel in document["channels"].values()}
    assert set(subjects.QUERIES) <= addresses
    assert set(events.BUSINESS_EVENTS) <= addresses


def test_links_between_pages_lead_somewhere() -> None:
    for page in [ROOT / "README.md", *(ROOT / "docs").rglob("*.md"), *(ROOT / "samples").glob("*.md")]:
        for target in re.findall(r"\]\((?!https?:|#|mailto:)([^)#]+)", page.read_text()):
            assert (page.parent / target).exists(), f"{page.relative_to(ROOT)} links to {target}"
