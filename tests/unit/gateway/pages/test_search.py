"""What the search page shows, and in which order."""

from typing import Any

import pytest

from services.gateway.finding import FoundItem, SearchResults, Unanswered, find_jobs, ranked
from services.gateway.pages.search import search_view
from shared.commands import Match, SearchHit
from tests.unit.gateway.pages.jobs import entry


def item(kind: str, id: str, match: Match, **more: Any) -> FoundItem:
    return FoundItem.model_validate(
        {"kind": kind, "id": id, "title": id, "match": match, "why": "x", "link": "x", **more}
    )


def test_what_is_just_what_was_typed_stands_in_front() -> None:
    found = SearchResults(
        items=[
            item("record", "invoice:4711", "record_key"),
            item("run", "47110000-0000", "run_id_beginning"),
            item("job", "a.b", "job_title"),
        ],
        more=True,
    )
    view = search_view("4711", found)
    assert [group.name for group in view.groups] == ["Records", "Runs", "Jobs"]
    assert (view.total, view.more) == (3, True)


@pytest.mark.parametrize(
    ("found", "path"),
    [
        (item("run", "0199", "run_id"), "/runs/0199"),
        (item("job", "a.b", "job_id"), "/jobs/a.b"),
        (item("document", "d0c", "file_name"), "/documents/d0c"),
        (item("record", "file:a b&c", "record_key"), "/runs?record_key=file%3Aa+b%26c"),
    ],
)
def test_each_leads_to_its_page(found: FoundItem, path: str) -> None:
    ((group,),) = [search_view("x", SearchResults(items=[found])).groups]
    assert [hit.path for hit in group.hits] == [path]


def test_every_match_is_explained() -> None:
    for match in Match.__args__:  # type: ignore[attr-defined]
        view = search_view("x", SearchResults(items=[item("record", "x", match)]))
        assert view.groups[0].hits[0].why


def test_a_part_that_did_not_answer_is_named() -> None:
    part = Unanswered(part="documents", cause="it is not running", next_step="Start it.")
    (missing,) = search_view("x", SearchResults(items=[], unanswered=[part])).missing
    assert (missing.words, missing.part) == ("Documents were not searched", part)


def test_jobs_are_found_by_all_words_in_either_language_and_retired_ones_not() -> None:
    job = entry("integrations.pay", title="Create payment file")
    for typed in ("payment create", "PAY", "zahlungsdatei"):
        (hit,) = find_jobs([job], typed, lambda _: "Zahlungsdatei erzeugen")
        assert (hit.match, hit.title) == ("job_title", "Zahlungsdatei erzeugen")
    (whole,) = find_jobs([job], " Integrations.PAY ", lambda one: one.title)
    assert whole.match == "job_id"
    assert find_jobs([job], "payment rates", lambda one: one.title) == []
    assert find_jobs([job.model_copy(update={"retired": True})], "payment", lambda one: one.title) == []


def test_whole_matches_come_first_then_runs_documents_jobs_records() -> None:
    def hit(kind: str, match: Match) -> SearchHit:
        return SearchHit.model_validate({"kind": kind, "id": "x", "title": "x", "match": match})

    hits = [hit("record", "record_key_beginning"), hit("job", "job_title"), hit("record", "record_key"),
            hit("run", "run_id_beginning"), hit("document", "invoice_number")]  # fmt: skip
    assert [(one.kind, one.whole) for one in ranked(hits)] == [
        ("document", True), ("record", True), ("run", False), ("job", False), ("record", False)
    ]  # fmt: skip
