from uuid import UUID

import pytest

from shared.subjects import RunSubjects, parse_run_subject, work_durable, work_filter
from shared.words import Lane

RUN = RunSubjects("documents.ocr", UUID(int=7))


def matches(filter: str, subject: str) -> bool:
    wanted, given = filter.split("."), subject.split(".")
    return len(wanted) == len(given) and all(a in ("*", b) for a, b in zip(wanted, given, strict=True))


@pytest.mark.parametrize("lane", list(Lane))
def test_every_subject_of_a_run_can_be_taken_apart_again(lane: Lane) -> None:
    for kind, subject, has_lane in (
        ("requested", RUN.requested(lane), True),
        ("due", RUN.due(lane), True),
        ("attempt_failed", RUN.attempt_failed(lane), True),
        ("cancel_requested", RUN.cancel_requested, False),
        ("ev", RUN.ev, False),
    ):
        parsed = parse_run_subject(subject)
        assert (parsed.job, parsed.run_id, parsed.kind) == (RUN.job, RUN.run_id, kind)
        assert parsed.lane is (lane if has_lane else None)


@pytest.mark.parametrize("lane", list(Lane))
def test_a_durable_s_filter_takes_the_work_of_its_lane_and_nothing_else(lane: Lane) -> None:
    taken = {
        subject
        for each in Lane
        for subject in (
            RUN.requested(each), RUN.due(each), RUN.attempt_failed(each), RUN.ev, RUN.cancel_requested,
        )
        if matches(work_filter("documents.ocr", lane), subject)
    }  # fmt: skip
    assert taken == {RUN.requested(lane), RUN.due(lane)}


def test_names_of_durables_tell_job_and_lane() -> None:
    assert work_durable("documents.ocr", Lane.BULK) == "documents-ocr-bulk"
    assert work_durable("documents.ocr", None) == "documents-ocr"


@pytest.mark.parametrize("subject", ["event.document.uploaded", "run.a.b", "run.a.b.no-uuid.ev"])
def test_other_subjects_are_refused(subject: str) -> None:
    with pytest.raises(ValueError, match=r"subject|UUID|badly formed"):
        parse_run_subject(subject)
