"""A due-date report that is mailed and put into a folder: each gets it once, or it is in doubt."""

from datetime import timedelta
from functools import partial
from pathlib import Path
from uuid import NAMESPACE_URL, uuid5

from services.reporting.day import Today
from shared.events import InvoiceAnalysed
from tests.faults.conftest import Sweep
from tests.support.faults.scene import Scene
from tests.support.faults.sweep import Scenario
from tests.support.mail_catcher import Catcher, catching
from tests.support.midday import midday_zone

ZONE = midday_zone()
BEGIN = "write effects.Effects._begin of reporting.delivery.SmtpMails.send"
COMPLETE = "write effects.Effects._complete of reporting.delivery.SmtpMails.send"
SEND = "call mail-server: send mail"


async def invoices_known(scene: Scene) -> None:
    for number, days in enumerate((-3, 4)):
        due = Today.in_zone(ZONE).day + timedelta(days=days)
        await scene.publish(
            InvoiceAnalysed(
                client=scene.client,
                principal="ada",
                document_id=uuid5(NAMESPACE_URL, f"{scene.client}/{number}"),
                kind="invoice",
                source="text",
                values={"gross_amount": "10.00", "currency": "CHF", "due_date": due.isoformat()},
            )
        )


async def report(scene: Scene) -> None:
    recipients = [f"{name}@{scene.client}.example" for name in ("anna", "ben")]
    await scene.request("reporting.due-date-report", formats=["csv"], recipients=recipients, folder=True)


async def arrived(scene: Scene, catcher: Catcher, folder: Path) -> list[str]:
    mails = [
        f"mail to {caught.recipient.partition('@')[0]}, {len(list(caught.mail.iter_attachments()))} file"
        for caught in list(catcher.mails)
        if caught.recipient.endswith(f"@{scene.client}.example")
    ]
    files = [path.read_text().count("\n") for path in (folder / scene.client).glob("*.csv")]
    return [*mails, *(f"file of {lines} lines" for lines in files)]


async def has_arrived(scene: Scene, effect: str, catcher: Catcher) -> bool:
    return any(effect.removeprefix("mail:") in caught.id for caught in list(catcher.mails))


async def test_a_kill_anywhere_in_a_report_sends_each_mail_once(sweep: Sweep, tmp_path: Path) -> None:
    folder = tmp_path / "reports"
    with catching() as catcher:
        result = await sweep(
            Scenario(
                dies="reporting",
                beside=("scheduler",),
                prepare=invoices_known,
                cause=report,
                expects=(
                    "commit reporting.reports.KeptReports._choose",
                    "put reports/<id>.csv",
                    BEGIN,
                    SEND,
                    COMPLETE,
                    "publish run.recorded",
                    "publish run.finished",
                ),
                look_outside=partial(arrived, catcher=catcher, folder=folder),
                happened=partial(has_arrived, catcher=catcher),
                besides=("sha256",),
                sides_of=(SEND,),
                sample=2,
                settings={
                    "SMTP_URL": catcher.url,
                    "MAIL_FROM": "Tagwerk <tagwerk@example.com>",
                    "REPORTS_FOLDER": str(folder),
                    "TIME_ZONE": ZONE,
                },
            )
        )
    on_its_way = {(BEGIN, "after"), (SEND, "before"), (SEND, "after"), (COMPLETE, "before")}
    for kill in filter(lambda one: one.reached, result.kills):
        if (kill.point.name, kill.point.side) in on_its_way:
            assert kill.decided, kill.point
        # What is published is so while a mail may be on its way; these come before and after.
        elif "alerts" not in kill.point.name and kill.point.name.startswith(
            ("commit reporting.", "put ", "replace ", BEGIN, COMPLETE)
        ):
            assert not kill.decided, kill.point
