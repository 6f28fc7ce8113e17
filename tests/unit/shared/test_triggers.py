from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

import pytest

from shared.events import BUSINESS_EVENTS, DocumentUploaded, Record
from shared.jobs import JobRefused, job
from shared.triggers import check_triggers, parameters_from
from tests.unit.shared.test_jobs import FACTS

EVENT = DocumentUploaded(
    client="main", principal="ada", document_id=UUID(int=3), file_name="a.pdf", media_type="application/pdf",
    size=1, sha256="0" * 64,
)  # fmt: skip


def declare(on: str) -> Any:
    @job("lab.read", on=on, **FACTS)
    async def read(document: UUID, file_name: str = "", pages: int = 0) -> AsyncIterator[Record]:
        """Read it."""
        return
        yield

    return read


def test_parameters_come_from_the_fields_of_the_event() -> None:
    taken = parameters_from(declare("event.document.uploaded"), EVENT)
    assert taken == {"document": str(UUID(int=3)), "file_name": "a.pdf"}


def test_a_trigger_that_no_event_fits_is_refused_at_boot() -> None:
    check_triggers([declare("event.document.uploaded")], BUSINESS_EVENTS)
    with pytest.raises(JobRefused, match=r"no event event\.document\.shredded; known are event\."):
        check_triggers([declare("event.document.shredded")], BUSINESS_EVENTS)

    @job("lab.weigh", on="event.document.uploaded", **FACTS)
    async def weigh(grams: int) -> AsyncIterator[Record]:
        """Weigh it."""
        return
        yield

    with pytest.raises(JobRefused, match="no field for its required parameter grams"):
        check_triggers([weigh], BUSINESS_EVENTS)
