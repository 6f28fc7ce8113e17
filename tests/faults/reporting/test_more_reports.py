"""A report of what went wrong, and a kept one that is sent again: each mail once, or it is in doubt."""

import asyncio
from functools import partial
from pathlib import Path
from typing import Any

from shared import subjects
from shared.commands import ReportsPage, ReportsQuery
from shared.events import Occurrence, now
from shared.ids import new_id
from shared.words import OccurrenceVerdict
from tests.faults.conftest import Sweep
from tests.faults.reporting.test_due_date_report import (
    BEGIN,
    COMPLETE,
    SEND,
    ZONE,
    arrived,
    has_arrived,
)
from tests.support.faults.scene import Scene
from tests.support.faults.sweep import Scenario
from tests.support.mail_catcher import Catcher, catching

DUE = "reporting.due-date-report"


def settings(catcher: Catcher, folder: Path) -> dict[str, str]:
    return {
        "SMTP_URL": catcher.url,
        "MAIL_FROM": "Tagwerk <tagwerk@example.com>",
        "REPORTS_FOLDER": str(folder),
        "TIME_ZONE": ZONE,
    }


async def occurrence_missed(scene: Scene) -> None:
    """Nobody was there to start a report."""
    missed = Occurrence(
        schedule=f"{DUE}.{new_id()}",
        job=DUE,
        client=scene.client,
        nominal=now().replace(microsecond=0),
        verdict=OccurrenceVerdict.MISSED,
    )
    await scene.bus.publish(subjects.occurrence(missed.schedule, missed.nominal), missed.encode())


async def report_exceptions(scene: Scene) -> None:
    recipients = [f"anna@{scene.client}.example"]
    await scene.request("reporting.exception-report", formats=["csv"], recipients=recipients, folder=True)


async def test_a_kill_anywhere_in_an_exception_report_loses_no_exception(
    sweep: Sweep, tmp_path: Path
) -> None:
    folder = tmp_path / "reports"
    with catching() as catcher:
        await sweep(
            Scenario(
                dies="reporting",
                beside=("scheduler",),
                prepare=occurrence_missed,
                cause=report_exceptions,
                expects=("commit reporting.reports.KeptReports._choose", "put reports/<id>.csv", BEGIN, SEND),
                look_outside=partial(arrived, catcher=catcher, folder=folder),
                happened=partial(has_arrived, catcher=catcher),
                besides=("sha256", "summary", "nominal", "decided_at"),
                sample=1,
                settings=settings(catcher, folder),
            )
        )


async def report_kept(scene: Scene) -> None:
    """A report that Anna has had. It says that nothing is due."""
    recipients = [f"anna@{scene.client}.example"]
    await scene.request(DUE, formats=["csv"], recipients=recipients)

    async def kept() -> bool:
        query: Any = ReportsQuery(client=scene.client)
        page = await scene.ask(subjects.query("reporting", "reports"), query, ReportsPage)
        return any(report.mails for report in page.items)

    async with asyncio.timeout(60):
        while not await kept():  # noqa: ASYNC110  (another process)
            await asyncio.sleep(0.05)


async def send_again(scene: Scene) -> None:
    recipients = [f"{name}@{scene.client}.example" for name in ("anna", "ben")]
    await scene.request(
        "reporting.send-now", job=DUE, recipients=recipients, folder=True, again="It was lost"
    )


async def test_a_kill_anywhere_in_a_sending_sends_each_mail_once(sweep: Sweep, tmp_path: Path) -> None:
    folder = tmp_path / "reports"
    with catching() as catcher:
        result = await sweep(
            Scenario(
                dies="reporting",
                beside=("scheduler",),
                prepare=report_kept,
                cause=send_again,
                expects=(
                    "commit reporting.archive.KeptArchive.choose",
                    "commit reporting.recipients.RecipientList.intend",
                    BEGIN,
                    SEND,
                    COMPLETE,
                ),
                look_outside=partial(arrived, catcher=catcher, folder=folder),
                happened=partial(has_arrived, catcher=catcher),
                besides=("sha256",),
                sample=1,
                settings=settings(catcher, folder),
            )
        )
    for kill in filter(lambda one: one.reached, result.kills):
        if kill.point.name.startswith(("commit reporting.", "put ", "replace ")):
            assert not kill.decided, kill.point
