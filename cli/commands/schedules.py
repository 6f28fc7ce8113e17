"""Schedules: what starts by itself and when; changing that, pausing it, running what was missed."""

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from cli.commands.options import Confirm, Params
from shared.words import Catchup, ClosedDays, Overlap

if TYPE_CHECKING:
    from cli.session import Session

ScheduleId = Annotated[
    str,
    typer.Argument(metavar="SCHEDULE", help="A job's id, or that and one word more: documents.tidy.nightly."),
]
Reason = Annotated[str, typer.Option(help="Why; it stands in the audit.")]
Moment = Annotated[str | None, typer.Option(metavar="TIME", help="ISO time, UTC without an offset.")]


async def schedules(
    session: "Session",
    job: Annotated[str | None, typer.Option(help="Only of this job.")] = None,
) -> None:
    """List schedules with their next occurrence."""
    from cli.render.schedules import schedules_view
    from shared.commands import SchedulesPage

    session.output.answer(await session.gateway.get("/schedules", SchedulesPage, job=job), schedules_view)


async def show(session: "Session", schedule: ScheduleId) -> None:
    """Show a schedule and what was decided about its last occurrences."""
    from cli.render.schedules import occurrences_view
    from shared.commands import OccurrencesPage

    page = await session.gateway.get(f"/schedules/{schedule}/occurrences", OccurrencesPage)
    session.output.answer(page, occurrences_view)


async def preview(
    session: "Session",
    schedule: ScheduleId,
    after: Moment = None,
    count: Annotated[int, typer.Option(min=1, max=200, help="How many.")] = 10,
) -> None:
    """Tell the next occurrences, with daylight saving and closed days marked."""
    from cli.render.schedules import preview_view
    from shared.commands import Preview

    when = None if after is None else moment_of(after).isoformat()
    page = await session.gateway.get(f"/schedules/{schedule}/preview", Preview, after=when, count=count)
    session.output.answer(page, preview_view)


async def set_schedule(
    session: "Session",
    schedule: ScheduleId,
    cron: Annotated[str | None, typer.Option(help="Minute, hour, day, month, weekday: '15 2 * * *'.")] = None,
    every: Annotated[int | None, typer.Option(metavar="SECONDS", help="An interval instead.")] = None,
    zone: Annotated[str, typer.Option(help="IANA zone of the times: Europe/Zurich.")] = "UTC",
    closed: Annotated[ClosedDays, typer.Option(help="Days on which it does not fire.")] = ClosedDays.NONE,
    country: Annotated[str | None, typer.Option(help="Whose holidays: CH.")] = None,
    canton: Annotated[str | None, typer.Option(help="Canton or state: ZH.")] = None,
    move: Annotated[bool, typer.Option("--move", help="On a closed day, move to the next open one.")] = False,
    catchup: Annotated[Catchup, typer.Option(help="What is made up for after an outage.")] = Catchup.LAST,
    window: Annotated[int, typer.Option(metavar="SECONDS", help="For how long.")] = 86_400,
    overlap: Annotated[Overlap, typer.Option(help="If the run before has not ended.")] = Overlap.SKIP,
    jitter: Annotated[int, typer.Option(metavar="SECONDS", help="Spread starts over this time.")] = 0,
    param: Params = [],  # noqa: B006  (typer reads it)
    client: Annotated[str | None, typer.Option(help="For which client.")] = None,
    confirm: Confirm = None,
    reason: Annotated[str | None, typer.Option(help="Why; it stands in the audit.")] = None,
) -> None:
    """Make a schedule, or set an existing one anew. It starts the job as you."""
    rule: dict[str, object] = {
        "cron": cron, "every": every, "zone": zone, "closed": closed, "country": country, "canton": canton,
        "on_closed": "next_open_day" if move else "skip", "catchup": catchup, "window": window,
        "overlap": overlap, "jitter": jitter,
    }  # fmt: skip
    await put_schedule(session, schedule, rule, param, client=client, confirm=confirm, reason=reason)


async def put_schedule(
    session: "Session",
    schedule: str,
    rule: dict[str, object],
    param: list[str],
    *,
    client: str | None,
    confirm: str | None,
    reason: str | None,
) -> None:
    from cli.answers import JobView
    from cli.parameters import parse_parameters
    from cli.render.schedules import changed_view
    from shared.commands import ScheduleChanged

    job = ".".join(schedule.split(".")[:2])
    schema = (await session.gateway.get(f"/jobs/{job}", JobView)).parameters if param else {}
    body = {
        "rule": {**rule, "parameters": parse_parameters(param, schema)},
        "client": client,
        "confirm": confirm,
        "reason": reason,
    }
    changed = await session.gateway.put(f"/schedules/{schedule}", ScheduleChanged, body)
    session.output.answer(changed, changed_view)


async def reset(session: "Session", schedule: ScheduleId) -> None:
    """Go back to the schedule that the job declares."""
    from cli.render.schedules import changed_view
    from shared.commands import ScheduleChanged

    changed = await session.gateway.delete_and_read(f"/schedules/{schedule}/changes", ScheduleChanged)
    session.output.answer(changed, changed_view)


What = Annotated[
    str | None, typer.Argument(metavar="[SCHEDULE]", help="One schedule; or name --module or --everything.")
]
Module = Annotated[str | None, typer.Option(help="Every schedule of this module.")]
Everything = Annotated[bool, typer.Option("--everything", help="Every schedule there is.")]


async def pause(
    session: "Session", reason: Reason, schedule: What = None, module: Module = None,
    everything: Everything = False,
) -> None:  # fmt: skip
    """Pause a schedule, a module or everything: occurrences are skipped, with the reason."""
    await _pause_or_resume(session, "pause", schedule, module, reason, everything=everything)


async def resume(
    session: "Session", reason: Reason, schedule: What = None, module: Module = None,
    everything: Everything = False,
) -> None:  # fmt: skip
    """Go on with a schedule, a module or everything."""
    await _pause_or_resume(session, "resume", schedule, module, reason, everything=everything)


async def _pause_or_resume(
    session: "Session", step: str, schedule: str | None, module: str | None, reason: str, *, everything: bool
) -> None:
    from cli.problems import wrong_use
    from cli.render.schedules import pause_view
    from shared.commands import PauseChanged

    if [schedule is not None, module is not None, everything].count(True) != 1:
        raise wrong_use(
            "it is not clear what is meant",
            concern=step,
            next_step="Name one schedule, or --module NAME, or --everything.",
        )
    if schedule is not None:
        path, body = f"/schedules/{schedule}/{step}", {"reason": reason}
    else:
        path, body = f"/schedules/{step}", {"reason": reason, **({"module": module} if module else {})}
    session.output.answer(await session.gateway.post(path, PauseChanged, body), pause_view)


async def seen(session: "Session", schedule: ScheduleId, reason: Reason) -> None:
    """Take note of what was missed up to now."""
    from cli.render.schedules import changed_view
    from shared.commands import ScheduleChanged

    body = {"reason": reason}
    changed = await session.gateway.post(f"/schedules/{schedule}/seen", ScheduleChanged, body)
    session.output.answer(changed, changed_view)


async def backfill(
    session: "Session",
    schedule: ScheduleId,
    start: Annotated[str, typer.Option("--from", metavar="TIME", help="ISO time, UTC without an offset.")],
    reason: Reason,
    end: Annotated[str | None, typer.Option("--until", metavar="TIME", help="Up to now without it.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=100, help="Refused if there are more.")] = 10,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only tell which they are.")] = False,
    confirm: Confirm = None,
) -> None:
    """Run the occurrences of a past span that were not started, each once."""
    from cli.render.schedules import backfilled_view
    from shared.commands import Backfilled

    body = {
        "start": moment_of(start).isoformat(),
        "end": (moment_of(end) if end else datetime.now(UTC)).isoformat(),
        "limit": limit, "dry_run": dry_run, "reason": reason, "confirm": confirm,
    }  # fmt: skip
    done = await session.gateway.post(f"/schedules/{schedule}/backfill", Backfilled, body)
    session.output.answer(done, backfilled_view)


def moment_of(written: str) -> datetime:
    """An ISO time; without an offset it is UTC. Raises `Problem` (usage)."""
    from cli.problems import wrong_use

    try:
        moment = datetime.fromisoformat(written)
    except ValueError:
        raise wrong_use(
            f"{written!r} is no time", concern="time", next_step="Write it as 2026-03-01T07:30+01:00."
        ) from None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
