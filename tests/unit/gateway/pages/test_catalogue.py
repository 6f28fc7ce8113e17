import pytest

from services.gateway.pages.catalogue import Catalogue, catalogue_view
from services.gateway.pages.overview import Overview, overview_of
from services.gateway.pages.safety import Badge, Start, badge_of, start_of
from shared.access import Access
from shared.jobs import CatalogueEntry
from shared.words import Danger, Kind, Level, RunState
from tests.unit.gateway.pages.jobs import CLERK, READER, entry, run

RATES = entry()
PAY = entry("integrations.pay", title="Create payment file", access=Access(
    module="payments", level=Level.GENERAL, roles=frozenset({"accounting"})))  # fmt: skip
OCR = entry("documents.ocr", title="Recognize text", kind=Kind.PROCESSING, owner="Document services")


def ids(view: Catalogue) -> list[tuple[str, str, list[str]]]:
    return [
        (section.kind, module.name, [row.entry.id for row in module.rows])
        for section in view.sections
        for module in section.modules
    ]


def test_jobs_stand_by_kind_and_module() -> None:
    assert ids(catalogue_view([RATES, PAY, OCR], CLERK, Overview())) == [
        ("processing", "rates", [OCR.id]),
        ("integration", "payments", [PAY.id]),
        ("integration", "rates", [RATES.id]),
    ]


def test_a_retired_job_is_left_out() -> None:
    view = catalogue_view([RATES.model_copy(update={"retired": True})], CLERK, Overview())
    assert (view.total, view.sections) == (0, [])


@pytest.mark.parametrize(
    ("filter", "found"),
    [
        ("payment", [PAY]),
        ("PAYMENT create", [PAY]),
        ("payment ocr", []),
        ("treasury", [PAY, RATES]),
        ("documents.ocr", [OCR]),
        ("zahlungsdatei", [PAY]),
    ],
)
def test_the_filter_looks_through_both_languages(filter: str, found: list[CatalogueEntry]) -> None:
    view = catalogue_view([RATES, PAY, OCR], CLERK, Overview(), filter=filter, language="de")
    shown = [id for _, _, rows in ids(view) for id in rows]
    assert sorted(shown) == sorted(entry.id for entry in found)
    assert (view.shown, view.total) == (len(found), 3)


def test_a_job_shows_its_last_run_and_the_median_of_the_successful_ones() -> None:
    runs = [
        run(RATES.id, minutes_ago=1, state=RunState.FAILED, action_required=True, duration=900),
        run(RATES.id, minutes_ago=2, duration=1),
        run(PAY.id, minutes_ago=3, state=RunState.RUNNING, duration=None),
        run(RATES.id, minutes_ago=4, duration=3),
        run(RATES.id, minutes_ago=5, duration=30),
        run(OCR.id, minutes_ago=6, state=RunState.WAITING, duration=None),
        run(OCR.id, minutes_ago=7, state=RunState.QUEUED, duration=None),
    ]
    overview = overview_of(runs)
    assert overview.jobs[RATES.id].last is runs[0]
    assert overview.jobs[RATES.id].typical == 3
    assert overview.jobs[PAY.id].typical is None
    assert (overview.needs_attention, overview.running, overview.waiting) == (1, 1, 2)


def test_the_badge_tells_the_worst_that_a_start_can_do() -> None:
    assert badge_of(RATES) == Badge("safe to repeat", "good")
    assert badge_of(entry(safe_to_repeat=False)) == Badge("risky", "careful")
    booking = entry(safe_to_repeat=True, danger=Danger.EXTERNAL_BOOKING)
    assert badge_of(booking) == Badge("books externally", "danger")


def test_who_may_not_start_a_job_reads_why() -> None:
    assert start_of(RATES, CLERK) == Start(True)
    assert start_of(RATES, READER) == Start(False, "for the roles", ("accounting", "trustee"))
    assert not start_of(RATES.model_copy(update={"retired": True}), CLERK).allowed
