import pytest

from services.gateway.pages.catalogue import Catalogue, catalogue_view
from services.gateway.pages.safety import Badge, Start, badge_of, start_of
from shared.access import Access
from shared.commands import JobOverview, Overview, SchedulesPage, WatchCase, Watched
from shared.jobs import CatalogueEntry
from shared.words import Danger, Kind, Level, RunState
from tests.unit.gateway.pages.jobs import CLERK, READER, entry, glance, run, schedule

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


def test_a_job_shows_how_its_runs_stand_and_one_that_never_ran_shows_nothing() -> None:
    last = glance(RATES.id, state=RunState.FAILED)
    stands = JobOverview(job=RATES.id, states={"failed": 1}, action_required=1, typical=3.0)
    later, soon = schedule(RATES.id, "weekly", hours=9), schedule(RATES.id, hours=2)
    view = catalogue_view(
        [RATES, PAY],
        CLERK,
        Overview(jobs=[stands]),
        last_runs=[last, glance("system.hidden")],
        schedules=SchedulesPage(items=[soon, later, later], pauses=[]),
    )
    shown = {
        row.entry.id: (row.last, row.typical, row.next)
        for section in view.sections
        for module in section.modules
        for row in module.rows
    }
    assert shown == {RATES.id: (last, 3.0, soon), PAY.id: (None, None, None)}


def test_the_badge_tells_the_worst_that_a_start_can_do() -> None:
    assert badge_of(RATES) == Badge("safe to repeat", "good")
    assert badge_of(entry(read_only=True)) == Badge("read-only", "good")
    assert badge_of(entry(safe_to_repeat=False)) == Badge("risky", "careful")
    booking = entry(safe_to_repeat=True, danger=Danger.EXTERNAL_BOOKING)
    assert badge_of(booking) == Badge("books externally", "danger")


def test_who_may_not_start_a_job_reads_why() -> None:
    assert start_of(RATES, CLERK) == Start(True)
    assert start_of(RATES, READER) == Start(False, "for the roles", ("accounting", "trustee"))
    assert not start_of(RATES.model_copy(update={"retired": True}), CLERK).allowed


def test_what_does_not_go_on_stands_with_its_job_as_far_as_it_is_known() -> None:
    since = run(RATES.id).requested_at
    cases = [
        WatchCase(kind="unworked", job=job, since=since, waiting=3) for job in (OCR.id, "lab.old", RATES.id)
    ]
    jobs = [RATES, OCR.model_copy(update={"retired": True})]
    view = catalogue_view(iter(jobs), CLERK, Overview(), watched=Watched(items=cases))
    assert [(case, entry and entry.id) for case, entry in view.stuck] == [
        (cases[0], OCR.id), (cases[1], None), (cases[2], RATES.id),
    ]  # fmt: skip
    assert view.total == 1
