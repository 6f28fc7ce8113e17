"""Reminders that are mailed: each person gets each once, or it is in doubt."""

from datetime import timedelta
from functools import partial
from uuid import NAMESPACE_URL, uuid5

from services.reporting.day import Today
from shared.events import ApprovalRequested
from tests.faults.conftest import Sweep
from tests.support.faults.scene import Scene
from tests.support.faults.sweep import Scenario
from tests.support.mail_catcher import Catcher, catching
from tests.support.midday import midday_zone
from tests.support.people import answer_people, person

ZONE = midday_zone()
SEND = "call mail-server: send mail"


async def approvals_due(scene: Scene) -> None:
    for number in range(2):
        await scene.publish(
            ApprovalRequested(
                client=scene.client,
                principal="ada",
                document_id=uuid5(NAMESPACE_URL, f"{scene.client}/{number}"),
                rule="all",
                role="accounting",
                approvals_needed=1,
                due=Today.in_zone(ZONE).day - timedelta(days=number),
            )
        )
    await answer_people(
        scene.bus.nc,
        lambda client: [
            person(name, client=client, email=f"{name}@{client}.example") for name in ("anna", "ben")
        ],
    )


async def remind(scene: Scene) -> None:
    await scene.request("reporting.overdue-reminders")


async def arrived(scene: Scene, catcher: Catcher) -> list[str]:
    return [
        f"{caught.mail['Subject'].replace(scene.client, 'client')} to {caught.recipient.partition('@')[0]}"
        for caught in list(catcher.mails)
        if caught.recipient.endswith(f"@{scene.client}.example")
    ]


async def has_arrived(scene: Scene, effect: str, catcher: Catcher) -> bool:
    return any(effect.removeprefix("reminders:") in caught.id for caught in list(catcher.mails))


async def test_a_kill_anywhere_reminds_each_person_once(sweep: Sweep) -> None:
    with catching() as catcher:
        await sweep(
            Scenario(
                dies="reporting",
                beside=("scheduler",),
                prepare=approvals_due,
                cause=remind,
                expects=(
                    "commit reporting.reminders.planning.KeptPlanning.plan",
                    "write effects.Effects._begin of reporting.reminders.post.SmtpSender.send",
                    SEND,
                    "write effects.Effects._complete of reporting.reminders.post.SmtpSender.send",
                    "publish run.recorded",
                    "publish run.finished",
                ),
                look_outside=partial(arrived, catcher=catcher),
                happened=partial(has_arrived, catcher=catcher),
                sample=2,
                sides_of=(SEND,),
                settings={
                    "SMTP_URL": catcher.url,
                    "MAIL_FROM": "Tagwerk <tagwerk@example.com>",
                    "TIME_ZONE": ZONE,
                },
            )
        )
