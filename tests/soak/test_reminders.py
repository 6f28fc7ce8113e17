"""A thousand people are reminded while the service is killed ten times: each at most once, and whoever may
have been is named."""

from collections import Counter
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid5

import pytest

from services.reporting.day import Today
from services.scheduler.app import build as build_scheduler
from shared import subjects
from shared.commands import Decide, Published, ReportsPage, ReportsQuery
from shared.errors import TagwerkError
from shared.events import ApprovalRequested, DoubtfulEffect, Requested, decode_run_event
from shared.ids import new_id
from shared.requests import request_run
from shared.settings import Settings
from shared.subjects import RunSubjects
from shared.words import Decision, Lane, Trigger
from tests.integration.reporting.conftest import ACK_WAIT, DOCUMENTS, ZONE, Installation, until
from tests.support.engine import Told
from tests.support.mail_catcher import catching
from tests.support.nursery import Newborn, Nursery, environment_of
from tests.support.people import known_people, person
from tests.support.servers import PostgresServer

JOB = "reporting.overdue-reminders"
PEOPLE, KILLS = 1000, 10

pytestmark = [pytest.mark.soak, pytest.mark.timeout(600)]


async def requested(installation: Installation) -> UUID:
    request = Requested(
        run_id=new_id(), job=JOB, client="acme", principal="ada", effective_principal="ada",
        trigger=Trigger.MANUAL,
    )  # fmt: skip
    await request_run(installation.bus, request, Lane.INTERACTIVE)
    return request.run_id


async def told(installation: Installation, run_id: UUID) -> Told:
    messages = await installation.bus.read(subjects.RUNS, RunSubjects(JOB, run_id).all)
    return Told(run_id, [decode_run_event(message.data) for message in messages])


async def test_a_thousand_reminders_killed_ten_times(
    bus_url: str,
    postgres: PostgresServer,
    database_name: str,
    nursery: Nursery,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def database(service: str) -> str:
        return postgres.url(service, database_name)

    people = [person(f"p{number:04}") for number in range(PEOPLE)]
    with catching() as catcher:
        async with Installation(bus_url, database, tmp_path, catcher) as installation:
            settings: dict[str, Any] = {
                "nats_url": bus_url, "files_url": f"file://{tmp_path}/files", "ack_wait": ACK_WAIT,
                "log_level": "error", "time_zone": ZONE, "smtp_url": catcher.url,
                "mail_from": "Tagwerk <tagwerk@example.com>",
            }  # fmt: skip
            scheduler = build_scheduler(Settings(database_url=database("scheduler"), **settings))
            await scheduler.start()
            environment = environment_of(Settings(database_url=database("reporting"), **settings))

            async def start() -> Newborn:
                return await nursery.start("reporting", environment)

            process = await start()
            document = uuid5(DOCUMENTS, "acme/1")
            await installation.tell(
                ApprovalRequested(
                    client="acme", principal="ada", document_id=document, rule="all", role="accounting",
                    approvals_needed=1, due=Today.in_zone(ZONE).day - timedelta(days=1),
                )
            )  # fmt: skip
            await process_is_ready(installation)
            await installation.knows("select exists(select from invoices where state = 'waiting')")

            async with known_people(bus_url, people):
                runs = [await requested(installation)]
                for kill in range(KILLS):
                    enough = (kill + 1) * PEOPLE // (KILLS + 2)

                    async def far_enough(enough: int = enough) -> bool:
                        if (await told(installation, runs[-1])).finished is not None:
                            # Three crashes end a run; the next one goes on.
                            runs.append(await requested(installation))
                        return len(catcher.mails) >= enough

                    await until(far_enough)
                    await process.end()
                    process = await start()

                async def ended() -> bool:
                    return (await told(installation, runs[-1])).finished is not None

                await until(ended)
                runs.append(await requested(installation))
                await until(ended)
                doubts = await all_doubts(installation, runs)
                reached = Counter(caught.recipient for caught in catcher.mails)
                assert max(reached.values()) == 1
                # Whoever has no mail is named as doubtful, and nobody else is missing.
                missing = {one.principal.id for one in people} - {one.partition("@")[0] for one in reached}
                assert missing <= {str(doubt.record).removeprefix("person:") for _, doubt in doubts}
                arrived = {caught.id for caught in catcher.mails}
                for run_id, doubt in doubts:
                    happened = any(doubt.effect.removeprefix("reminders:") in id for id in arrived)
                    await installation.bus.ask(
                        subjects.decide("reporting"),
                        Decide(
                            run_id=run_id, job=JOB, effect=doubt.effect, principal="ada", reason="looked",
                            decision=Decision.HAPPENED if happened else Decision.REPEAT,
                        ),
                        Published,
                    )  # fmt: skip
                runs.append(await requested(installation))
                await until(ended)
            await process.end()
            await scheduler.stop()
    everybody = Counter(caught.recipient for caught in catcher.mails)
    assert set(everybody.values()) == {1}
    assert len(everybody) == PEOPLE
    with capsys.disabled():
        print(
            f"\n{PEOPLE} reminders, {KILLS} kills, {len(runs)} runs: {len(reached)} sent, none twice;"
            f" {len(doubts)} in doubt, {len(missing)} of them not sent"
        )


async def process_is_ready(installation: Installation) -> None:
    """The service answers, so its tables are there."""

    async def answers() -> bool:
        try:
            await installation.bus.ask(
                subjects.query("reporting", "reports"), ReportsQuery(client="acme"), ReportsPage
            )
        except TagwerkError:
            return False
        return True

    await until(answers)


async def all_doubts(installation: Installation, runs: list[UUID]) -> list[tuple[UUID, DoubtfulEffect]]:
    return [(run_id, doubt) for run_id in runs for doubt in (await told(installation, run_id)).end.in_doubt]
