"""The wording of the seven answers, for every state: what a bookkeeper reads."""

from datetime import timedelta
from typing import Any

import pytest

from services.status.answers import answers
from services.status.course import sentence_of
from services.status.facts import CallCount, Facts
from services.status.timeline import tell
from shared.access import Access
from shared.commands import RecordRow, RunSummary
from shared.errors import Failure
from shared.events import DoubtfulEffect
from shared.jobs import CatalogueEntry
from shared.words import CallOutcome, Danger, Kind, Level, Outcome, RunState, Trigger
from tests.support.run_events import JOB, START, RunTeller, failure, in_stream

REQUESTED = START - timedelta(seconds=0.3)


def summary(state: RunState | str, **more: Any) -> RunSummary:
    run = {
        "run_id": RunTeller().run_id, "job": JOB, "client": "muster-ag", "principal": "ada",
        "effective_principal": "ada", "trigger": Trigger.MANUAL, "state": RunState(state), "sentence": "",
        "action_required": False, "requested_at": REQUESTED, "started_at": START, "attempt": 1,
    }  # fmt: skip
    if RunState(state).final:
        run |= {"finished_at": START + timedelta(seconds=12), "duration": 12.0}
    return RunSummary.model_validate(run | more)


def entry(**more: Any) -> CatalogueEntry:
    fields = {
        "id": JOB, "service": "documents", "title": "OCR", "description": "Reads.", "kind": Kind.PROCESSING,
        "owner": "Documents", "access": Access(module="documents", level=Level.GENERAL, roles={"clerk"}),
        "expected_runtime": 60, "timeout": 600, "retry": "up to 3 attempts", "safe_to_repeat": True,
        "repeat": "pages that were read are not read again", "systems": [], "output": "text",
        "expected_result": "text", "logs": "", "troubleshooting": "", "parameters": {},
        "software_version": "1.0",
    }  # fmt: skip
    return CatalogueEntry.model_validate(fields | more)


def attempts(run: RunTeller) -> Any:
    return tell(in_stream(run.messages)).attempts


def record_row(key: str, outcome: Outcome, why: Failure | None = None, label: str | None = None) -> RecordRow:
    return RecordRow(
        key=key, outcome=outcome, failure=why, label=label, run_id=RunTeller().run_id, job=JOB, attempt=1,
        time=START, position=1,
    )  # fmt: skip


def words(facts: Facts, question: str) -> str:
    return next(answer.words for answer in answers(facts) if answer.question == question)


ONCE = attempts(RunTeller().requested().started(1))
EMPTY_PAGE = record_row("document:7/page:3", Outcome.FAILED, failure(), "scan.pdf, page 3")
TIMEOUT = failure("connection_failed", "the scanner did not answer", retryable=True)
PASSWORD = failure("credentials_rejected", "the bank refused the password", next_step="Renew the password.")
MAIL = DoubtfulEffect(
    effect="reminder:INV-4711", cause="no answer after sending had begun", record="INV-4711"
)
LOCAL = "2026-03-01 14:02:11 UTC"
END = "2026-03-01 14:02:23 UTC"


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        (
            Facts(summary("queued", started_at=None, attempt=0)),
            "Not yet. It was requested at 2026-03-01 14:02:10 UTC and waits for a free worker.",
        ),
        (
            Facts(summary("running"), ONCE),
            f"Yes. It started at {LOCAL}, 0.3 s after the request, on worker host:123.",
        ),
        (
            Facts(summary("succeeded", attempt=2), ONCE),
            f"Yes. It started at {LOCAL}, 0.3 s after the request, on worker host:123."
            " 2 attempts have been started.",
        ),
        (
            Facts(summary("cancelled", started_at=None, attempt=0, duration=None)),
            "No. It was cancelled before it had started.",
        ),
        (
            Facts(summary("failed", started_at=None, attempt=0, duration=None)),
            "No. It failed before it had started.",
        ),
    ],
)
def test_did_it_start(facts: Facts, expected: str) -> None:
    assert words(facts, "started") == expected


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        (Facts(summary("queued", started_at=None)), "Not yet. It waits for a free worker."),
        (Facts(summary("running", done=3, total=5)), "Not yet. Attempt 1 is running, 3 of 5 done."),
        (
            Facts(summary("running", cancel_requested=True)),
            "Not yet. Attempt 1 is running. A cancel has been requested.",
        ),
        (
            Facts(summary("waiting", failure=TIMEOUT)),
            "Not yet. Attempt 1 failed: the scanner did not answer. Another attempt follows by itself.",
        ),
        (Facts(summary("succeeded")), f"Yes. It succeeded at {END}, after 12 s."),
        (
            Facts(summary("succeeded", counts={"created": 3, "unchanged": 2})),
            f"Yes. It succeeded at {END}, after 12 s, with 5 records: 3 created, 2 unchanged.",
        ),
        (
            Facts(summary("partially_failed", counts={"created": 4, "failed": 1})),
            f"Yes, but not completely. It ended at {END}, after 12 s: 4 of 5 records were handled, 1 failed.",
        ),
        (
            Facts(summary("failed", failure=PASSWORD)),
            f"Yes, with a failure. It failed at {END}, after 12 s: the bank refused the password."
            " Renew the password.",
        ),
        (
            Facts(summary("cancelled", counts={"created": 2}), cancelled_by="bob"),
            f"Yes. It was cancelled on behalf of bob at {END}, after 12 s."
            " What was done by then stays done: 2 created.",
        ),
        (
            Facts(summary("timed_out")),
            f"Yes, because its time was up. It was stopped at {END}, after 12 s. No record had been handled.",
        ),
        (
            Facts(summary("interrupted", counts={"unknown": 1}), in_doubt=[MAIL]),
            f"Yes, but a person must decide. It ended at {END}, after 12 s, and an effect is in doubt:"
            " reminder:INV-4711 (no answer after sending had begun).",
        ),
        (
            Facts(summary("interrupted", counts={"updated": 1})),
            f"Yes. It ended at {END}, after 12 s, with an effect in doubt, which has been decided since.",
        ),
        (
            Facts(summary("succeeded"), note="the cancel came too late: the job had done its work"),
            f"Yes. It succeeded at {END}, after 12 s."
            " Note: the cancel came too late: the job had done its work.",
        ),
        (
            Facts(
                summary("succeeded", attempt=2),
                attempts(RunTeller().requested().started(1).started(2).finished(2)),
            ),
            f"Yes. It succeeded at {END}, after 12 s."
            " Attempt 1 was interrupted: its worker died. Attempt 2 completed it.",
        ),
        (
            Facts(
                summary("failed", failure=failure("worker_crashed", "three workers died")),
                attempts(
                    RunTeller()
                    .requested()
                    .started(1)
                    .started(2)
                    .finished(2, "failed", failure=failure("worker_crashed", "three workers died"))
                ),
            ),
            f"Yes, with a failure. It failed at {END}, after 12 s: three workers died. Scan it again."
            " Attempts 1 and 2 were interrupted: their workers died.",
        ),
    ],
)
def test_did_it_finish(facts: Facts, expected: str) -> None:
    assert words(facts, "finished") == expected


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        (Facts(summary("running")), "None so far."),
        (
            Facts(summary("running", counts={"created": 3}, done=3, total=5)),
            "3 records: 3 created. 3 of 5 done.",
        ),
        (Facts(summary("succeeded")), "None."),
        (
            Facts(summary("interrupted", counts={"created": 3, "failed": 1, "unknown": 1})),
            "5 records: 3 created, 1 failed, 1 in doubt.",
        ),
        (
            Facts(summary("succeeded", history_incomplete=True)),
            "None. Part of its history could not be read, so this may not be all.",
        ),
    ],
)
def test_which_records_were_processed(facts: Facts, expected: str) -> None:
    assert words(facts, "records") == expected


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        (Facts(summary("running")), "None so far."),
        (Facts(summary("succeeded")), "None."),
        (
            Facts(summary("partially_failed", counts={"failed": 1}), failed=[EMPTY_PAGE]),
            "1 record failed: scan.pdf, page 3 (the page is empty).",
        ),
        (
            Facts(summary("partially_failed", counts={"failed": 30}), failed=[EMPTY_PAGE] * 20),
            "30 records failed: " + "; ".join(["scan.pdf, page 3 (the page is empty)"] * 5) + "; 25 more.",
        ),
        (
            Facts(
                summary("interrupted", counts={"unknown": 1}),
                failed=[record_row("INV-4711", Outcome.UNKNOWN, failure("effect_in_doubt", "no answer"))],
            ),
            "1 record is in doubt: INV-4711 (no answer).",
        ),
        (
            Facts(summary("failed", failure=PASSWORD)),
            "The run itself failed: the bank refused the password. Renew the password.",
        ),
        (Facts(summary("waiting", failure=TIMEOUT)), "None so far."),
    ],
)
def test_which_failed_and_why(facts: Facts, expected: str) -> None:
    assert words(facts, "failures") == expected


@pytest.mark.parametrize(
    ("facts", "expected", "changed"),
    [
        (Facts(summary("running")), "No data was changed so far.", False),
        (Facts(summary("succeeded", counts={"unchanged": 3})), "No data was changed.", False),
        (
            Facts(summary("succeeded", counts={"created": 3, "updated": 1}), changed=4),
            "Yes: 3 records created and 1 record updated.",
            True,
        ),
        (
            Facts(summary("failed", counts={"failed": 1}), changed=1),
            "Yes: 1 record changed before a later attempt came to another result.",
            True,
        ),
        (
            Facts(summary("interrupted", counts={"unknown": 1}), in_doubt=[MAIL]),
            "Nobody knows yet. 1 effect in doubt may have changed something.",
            None,
        ),
        (
            Facts(summary("interrupted", counts={"created": 1, "unknown": 1}), changed=1, in_doubt=[MAIL]),
            "Yes: 1 record created. 1 effect in doubt may have changed something.",
            True,
        ),
    ],
)
def test_was_data_changed(facts: Facts, expected: str, changed: bool | None) -> None:
    answer = answers(facts)[4]
    assert (answer.words, answer.data["changed"]) == (expected, changed)


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        (Facts(summary("running")), "No external system was called so far."),
        (Facts(summary("succeeded")), "No external system was called."),
        (
            Facts(summary("succeeded"), calls=[CallCount("mail-server", CallOutcome.SUCCEEDED, 2)]),
            "Yes, 2 calls: mail-server 2 succeeded.",
        ),
        (
            Facts(
                summary("failed"),
                calls=[
                    CallCount("mail-server", CallOutcome.UNKNOWN, 1),
                    CallCount("bank", CallOutcome.FAILED, 2),
                    CallCount("bank", CallOutcome.SUCCEEDED, 1),
                ],
            ),
            "Yes, 4 calls: bank 1 succeeded, 2 failed; mail-server 1 in doubt.",
        ),
    ],
)
def test_was_an_external_system_called(facts: Facts, expected: str) -> None:
    assert words(facts, "external_calls") == expected


SAFE = "A retry is possible and safe: pages that were read are not read again."
RISKY = entry(
    safe_to_repeat=False, repeat="it sends the reminder a second time", danger=Danger.EXTERNAL_BOOKING
)


@pytest.mark.parametrize(
    ("facts", "expected", "possible"),
    [
        (Facts(summary("running"), job=entry()), "Not now: the run has not ended.", False),
        (Facts(summary("waiting"), job=entry()), "Not needed now: another attempt follows by itself.", False),
        (
            Facts(summary("succeeded", counts={"created": 2}), job=entry()),
            f"{SAFE} It is not needed: the run succeeded. It would repeat the whole run with its 2 records.",
            True,
        ),
        (
            Facts(summary("partially_failed", counts={"created": 4, "failed": 1}), job=entry()),
            f"{SAFE} It would repeat 1 failed record only, or the whole run with its 5 records.",
            True,
        ),
        (
            Facts(summary("failed", failure=PASSWORD), job=entry()),
            f"{SAFE} It would repeat the whole run. First: Renew the password.",
            True,
        ),
        (
            Facts(summary("failed", failure=TIMEOUT), job=RISKY),
            "A retry is possible, but not safe: it sends the reminder a second time."
            " It would repeat the whole run. It asks for a confirmation: the job's name, with a reason.",
            True,
        ),
        (
            Facts(summary("interrupted"), in_doubt=[MAIL], job=entry()),
            "Not before somebody has decided whether it happened: reminder:INV-4711."
            " Blindly repeated, it could happen twice.",
            False,
        ),
        (
            Facts(summary("failed")),
            "Nobody can say: the catalogue does not know the job documents.ocr, so no service offers it here"
            " and nothing is known of what a repetition would do.",
            False,
        ),
        (
            Facts(summary("failed"), job=entry(retired=True)),
            "No: the job documents.ocr is no longer offered by any service.",
            False,
        ),
    ],
)
def test_is_a_retry_possible_and_what_would_it_repeat(facts: Facts, expected: str, possible: bool) -> None:
    answer = answers(facts)[6]
    assert (answer.words, answer.data["possible"]) == (expected, possible)


@pytest.mark.parametrize(
    ("run", "in_doubt", "expected"),
    [
        (summary("queued"), 0, "It waits for a free worker."),
        (summary("running", done=3), 0, "Attempt 1 is running, 3 done."),
        (
            summary("waiting", failure=TIMEOUT),
            0,
            "Attempt 1 failed: the scanner did not answer. Another attempt follows by itself.",
        ),
        (summary("succeeded"), 0, "Succeeded."),
        (summary("succeeded", counts={"created": 2}), 0, "Succeeded: 2 created."),
        (summary("partially_failed", counts={"created": 1, "failed": 1}), 0, "1 of 2 records failed."),
        (summary("failed", failure=PASSWORD), 0, "Failed: the bank refused the password."),
        (summary("cancelled", counts={"created": 2}), 0, "Cancelled, with 2 created before."),
        (summary("cancelled"), 0, "Cancelled."),
        (summary("timed_out"), 0, "Its time was up."),
        (summary("interrupted"), 2, "Somebody must decide: 2 effects in doubt."),
        (summary("interrupted"), 0, "Interrupted with an effect in doubt, which has been decided since."),
        (
            summary("succeeded", history_incomplete=True),
            0,
            "Succeeded. Part of its history could not be read.",
        ),
    ],
)
def test_a_list_says_each_state_in_one_sentence(run: RunSummary, in_doubt: int, expected: str) -> None:
    assert sentence_of(run, in_doubt) == expected


@pytest.mark.parametrize("state", list(RunState))
@pytest.mark.parametrize("job", [None, entry(), RISKY])
@pytest.mark.parametrize("counts", [{}, {"created": 1, "failed": 2, "unknown": 1}])
def test_every_state_gets_seven_answers_in_full_sentences(
    state: RunState, job: CatalogueEntry | None, counts: dict[str, int]
) -> None:
    said = answers(
        Facts(summary(state, counts=counts, failure=PASSWORD), ONCE, job=job, changed=len(counts) and 1)
    )
    assert len(said) == 7
    for answer in said:
        assert answer.words.endswith("."), answer
        assert ".." not in answer.words, answer
        assert "  " not in answer.words, answer
