"""The form of contents in JSON. Reports are known by it, so it never changes."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import ClassVar

from services.reporting.as_json import AsJson
from services.reporting.audit_log.content import Content as AuditLog
from services.reporting.audit_log.content import Entry, Proof
from services.reporting.due_dates.content import Content as DueDates
from services.reporting.due_dates.content import Line

DAY, MOMENT = date(2026, 3, 1), datetime(2026, 3, 1, 14, 3, 12, 500, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Part(AsJson):
    amounts: Sequence[Decimal]
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Whole(AsJson):
    kind: ClassVar[str] = "whole"

    parts: Sequence[Part]
    part: Part | None
    day: date
    exact: Decimal | None
    count: int
    right: bool
    text: str | None = None


def test_each_type_has_its_form_and_comes_back() -> None:
    part = Part([Decimal("1E+3"), Decimal("-0.10"), Decimal(0)], MOMENT)
    whole = Whole([part, Part([])], part, DAY, None, 3, right=True)
    plain = {
        "parts": [
            {"amounts": ["1000", "-0.10", "0"], "until": "2026-03-01T14:03:12.000500+00:00"},
            {"amounts": [], "until": None},
        ],
        "part": {"amounts": ["1000", "-0.10", "0"], "until": "2026-03-01T14:03:12.000500+00:00"},
        "day": "2026-03-01", "exact": None, "count": 3, "right": True, "text": None,
    }  # fmt: skip
    assert whole.plain() == plain
    assert Whole.of(json.loads(json.dumps(plain))) == whole
    assert Whole.of(plain | {"part": None, "exact": "0"}) == Whole(
        [part, Part([])], None, DAY, Decimal(0), 3, True
    )


def test_reports_are_told_as_ever() -> None:
    line = Line("d-1", "Käserei", None, False, DAY, Decimal("120.50"), "CHF", "waiting", role="accounting")
    assert DueDates("acme", DAY, DAY, "de", [line]).plain() == {
        "client": "acme", "as_of": "2026-03-01", "until": "2026-03-01", "language": "de",
        "lines": [{
            "document_id": "d-1", "supplier": "Käserei", "invoice_number": None, "credit_note": False,
            "due": "2026-03-01", "amount": "120.50", "currency": "CHF", "state": "waiting",
            "role": "accounting", "possible_duplicate": False,
        }],
    }  # fmt: skip
    entry = Entry(7, MOMENT, "ada", "run_requested", "jobs/x")
    proof = Proof(MOMENT, 7, None, None, 6, None)
    assert AuditLog("acme", DAY, DAY, DAY, "en", None, ("a", "b"), [entry], False, proof).plain() == {
        "client": "acme", "as_of": "2026-03-01", "since": "2026-03-01", "until": "2026-03-01",
        "language": "en", "principal": None, "kinds": ["a", "b"], "cut": False,
        "entries": [{
            "number": 7, "time": "2026-03-01T14:03:12.000500+00:00", "principal": "ada",
            "kind": "run_requested", "concern": "jobs/x", "effective_principal": None, "client": None,
            "reason": None, "run_id": None, "before": None, "after": None,
        }],
        "proof": {
            "checked_at": "2026-03-01T14:03:12.000500+00:00", "checked": 7, "broken": None, "cause": None,
            "signed": 6, "signed_at": None,
        },
    }  # fmt: skip
