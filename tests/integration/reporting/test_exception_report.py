"""An exception report, from streams of a real bus to its files."""

import csv
from uuid import uuid5

from services.reporting.app import FOLLOWED
from shared import subjects
from shared.access import Principal
from shared.buckets import Bucket
from shared.commands import ReportsPage, ReportsQuery
from shared.dead_letters import bury, list_dead_letters, replay
from shared.errors import Failure
from shared.events import (
    Decided,
    DoubtfulEffect,
    Finished,
    Occurrence,
    QueueUnworked,
    Requested,
    RunFound,
    RunLost,
    RunOverdue,
    now,
)
from shared.files import Files, open_store
from shared.ids import new_id
from shared.subjects import RunSubjects
from shared.words import Decision, Lane, OccurrenceVerdict, RunState, Trigger
from tests.integration.reporting.conftest import DOCUMENTS, Installation

JOB = "reporting.exception-report"
DUE = "reporting.due-date-report"
GONE = Failure(code="gone", cause="the bank is gone", next_step="Look for it.")


async def ended_run(installation: Installation, client: str, job: str, end: Finished) -> None:
    """A run as another service would have told of it."""
    run = RunSubjects(job, end.run_id)
    request = Requested(
        run_id=end.run_id, job=job, client=client, principal="ada", effective_principal="ada",
        trigger=Trigger.MANUAL,
    )  # fmt: skip
    # As if its own service had taken it already: on the lane of a job that nobody here works on.
    await installation.bus.publish(run.requested(Lane.BULK), request.encode())
    await installation.bus.publish(run.ev, end.encode())


async def rows_of_newest(installation: Installation, client: str = "acme") -> list[dict[str, str]]:
    page = await installation.bus.ask(
        subjects.query("reporting", "reports"), ReportsQuery(client=client), ReportsPage
    )
    report = page.items[0]
    content = await Files(open_store(f"file://{installation.folder}/files"), client).get(
        f"reports/{report.report_id}.csv"
    )
    assert (report.kind, report.since is not None) == ("exceptions", True)
    rows = list(csv.DictReader(content.decode().splitlines()))
    assert report.items == len(rows)
    return rows


async def test_what_went_wrong_is_named_until_it_is_settled(installation: Installation) -> None:
    await installation.start(scheduler=False)
    ada = Principal(id="ada", name="Ada", roles=frozenset({"administrator"}), clients=frozenset({"*"}))
    await Bucket(installation.bus, subjects.PRINCIPALS, Principal).put("ada", ada)

    nothing = await installation.run(job=JOB, formats=["csv"], stuck_after=1)
    assert nothing.end.state is RunState.SUCCEEDED, nothing.end
    assert await rows_of_newest(installation) == []

    failed, doubtful, foreign = new_id(), new_id(), new_id()
    other = "integrations.create-payment-file"
    await ended_run(installation, "acme", other, Finished(run_id=failed, state=RunState.FAILED, failure=GONE))
    doubt = DoubtfulEffect(effect="mail:1", cause="it broke off", record="recipient:1")
    await ended_run(
        installation, "acme", other, Finished(run_id=doubtful, state=RunState.INTERRUPTED, in_doubt=[doubt])
    )
    await ended_run(installation, "other", other, Finished(run_id=foreign, state=RunState.FAILED))
    missed = Occurrence(schedule=DUE, job=DUE, client="acme", nominal=now(), verdict=OccurrenceVerdict.MISSED)
    await installation.bus.publish(subjects.occurrence(DUE, missed.nominal), missed.encode())
    facts = {"client": "acme", "principal": "service-scheduler", "job": DUE, "run_id": new_id()}
    lost = RunLost(attempt=1, worker="h:1", started_at=now(), silent=45.0, **facts)
    # Its end is heard first.
    await installation.tell(RunFound(attempt=1, how="ended", opened_by=lost.id, **facts))
    await installation.tell(lost)
    await installation.tell(
        RunOverdue(attempt=1, started_at=now(), expected_runtime=1.0, allowed=3.0, **facts)
    )
    await installation.tell(
        QueueUnworked(**{**facts, "client": "main"}, lane=Lane.BULK, waiting=3, service_alive=False)
    )
    for client, sequence in (("acme", 1), ("other", 2)):
        data = b'{"client": "%b", "type": "event.x.happened"}' % client.encode()
        await bury(
            installation.bus, durable="documents-events", stream=subjects.EVENTS, subject="event.x.happened",
            sequence=sequence, data=data, reason=GONE,
        )  # fmt: skip
    await installation.invoice(1, days=5)
    await installation.knows("select (select count(*) from watched where kind is not null) = 3")
    # It has been there for two days.
    await installation.write("update invoices set since = since - interval '2 days'")

    told = await installation.run(job=JOB, formats=["csv"], stuck_after=1)
    rows = await rows_of_newest(installation)
    assert [(row["kind"], row["open"]) for row in rows] == [
        ("doubt", "true"), ("run", "true"), ("run", "true"), ("lost", "false"), ("overdue", "true"),
        ("unworked", "true"), ("missed", "true"), ("dead_letter", "true"), ("stuck", "true"),
    ]  # fmt: skip
    assert {row["run_id"] for row in rows if row["kind"] in ("run", "doubt")} == {str(failed), str(doubtful)}
    by_state = {row["state"]: row for row in rows}
    assert (by_state["failed"]["cause"], by_state["failed"]["next_step"]) == (GONE.cause, GONE.next_step)
    assert by_state["interrupted"]["retry"] == "decide"
    assert rows[-1]["key"] == str(uuid5(DOCUMENTS, "acme/1"))
    assert [record.outcome.value for record in told.records] == ["created"]

    # The same again: nothing more has happened.
    again = await installation.run(job=JOB, formats=["csv"], stuck_after=1)
    assert [record.outcome.value for record in again.records] == ["unchanged"]

    # Somebody decides, does it again, and replays what was buried.
    decided = Decided(
        run_id=doubtful, effect="mail:1", decision=Decision.HAPPENED, principal="ada", reason="it is there"
    )
    await installation.bus.publish(RunSubjects(other, doubtful).ev, decided.encode())
    (letter,) = [one for one in await list_dead_letters(installation.bus) if '"acme"' in one.payload]
    await replay(installation.bus, letter.id)
    await installation.run(job=JOB, formats=["csv"], stuck_after=1)
    settled = {(row["kind"], row["state"]): row["open"] for row in await rows_of_newest(installation)}
    assert ("doubt", "") not in settled
    assert settled["run", "interrupted"] == settled["dead_letter", ""] == "false"
    assert settled["run", "failed"] == "true"

    # Who may see nothing of it is told how much there is; and what is of another client is of no concern.
    viewer = ada.model_copy(update={"roles": frozenset({"accounting"})})
    await Bucket(installation.bus, subjects.PRINCIPALS, Principal).put("ada", viewer)
    foreseen = await installation.run(job=JOB, stuck_after=1, dry_run=True)
    (record,) = foreseen.records
    assert record.message is not None
    assert record.message.startswith("it would name 6 exceptions"), record.message
    elsewhere = await installation.run("other", job=JOB, formats=["csv"])
    assert elsewhere.end.state is RunState.SUCCEEDED
    assert {stream.stream for stream in FOLLOWED} == {subjects.RUNS, subjects.OCCURRENCES, subjects.DEAD}


async def test_what_happened_while_nobody_read_is_read_afterwards_and_once(
    installation: Installation,
) -> None:
    job, ends = "integrations.create-payment-file", "select count(*) from known_runs where state = 'failed'"
    await installation.start(scheduler=False)
    await ended_run(installation, "acme", job, Finished(run_id=new_id(), state=RunState.FAILED))
    await ended_run(installation, "acme", job, Finished(run_id=new_id(), state=RunState.SUCCEEDED))
    await installation.knows(f"select ({ends}) = 1")
    for sequence in (1, 2):
        await bury(
            installation.bus, durable="documents-events", stream=subjects.EVENTS, subject="event.x.happened",
            sequence=sequence, data=b"{}", reason=GONE,
        )  # fmt: skip
    await installation.knows("select (select count(*) from dead_letters) = 2")

    # While it is away something fails, and a stream is made anew, as after a restore.
    await installation.stop()
    await ended_run(installation, "acme", job, Finished(run_id=new_id(), state=RunState.FAILED))
    await installation.bus.js.delete_stream(subjects.DEAD)
    await installation.provision()
    await bury(
        installation.bus, durable="new", stream=subjects.EVENTS, subject="event.x.happened", sequence=3,
        data=b"{}", reason=GONE,
    )  # fmt: skip
    await installation.start(scheduler=False)
    await installation.knows(f"select ({ends}) = 2 and (select count(*) from known_runs) = 2")
    await installation.knows("select (select array_agg(durable || sequence) from dead_letters) = '{new1}'")
