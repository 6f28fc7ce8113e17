"""What can be started, and starting it."""

from datetime import UTC
from typing import TYPE_CHECKING, Annotated

import typer

from cli.commands.options import Bulk, Confirm, DryRun, Key, Params, Reason, Timeout, Wait
from cli.exits import Exit
from shared.words import Lane

if TYPE_CHECKING:
    from cli.session import Session

JobId = Annotated[str, typer.Argument(metavar="JOB", help="Id of the job: documents.ocr.")]


async def jobs(
    session: "Session",
    retired: Annotated[bool, typer.Option("--retired", help="Also jobs that are offered no more.")] = False,
) -> None:
    """List the jobs that you may see."""
    from cli.answers import JobPage
    from cli.render.jobs import jobs_view

    session.output.answer(await session.gateway.get("/jobs", JobPage, retired=retired), jobs_view)


async def job(session: "Session", job_id: JobId) -> None:
    """Show one job: what it does, its parameters, whether it is safe to repeat, where to look for trouble."""
    from cli.answers import JobView
    from cli.render.jobs import job_view

    session.output.answer(await session.gateway.get(f"/jobs/{job_id}", JobView), job_view)


async def start(
    session: "Session",
    job_id: JobId,
    param: Params = [],  # noqa: B006  # typer copies it
    client: Annotated[str | None, typer.Option(help="For which client.")] = None,
    key: Key = None,
    reason: Reason = None,
    confirm: Confirm = None,
    bulk: Bulk = False,
    dry_run: DryRun = False,
    wait: Wait = False,
    timeout: Timeout = None,
    at: Annotated[
        str | None, typer.Option(metavar="TIME", help="Later, once: ISO time, UTC without an offset.")
    ] = None,
) -> Exit | None:
    """Start a job."""
    if at is not None:
        from cli.commands.schedules import moment_of, put_schedule

        moment = moment_of(at)
        name = f"{job_id}.at-{moment.astimezone(UTC):%Y%m%dt%H%M%S}"
        rule: dict[str, object] = {"at": moment.isoformat()}
        await put_schedule(session, name, rule, param, client=client, confirm=confirm, reason=reason)
        return None
    from cli.answers import JobView, StartedRun
    from cli.commands.runs import show_end
    from cli.parameters import parse_parameters
    from cli.uploads import send_files_of

    schema = (await session.gateway.get(f"/jobs/{job_id}", JobView)).parameters if param else {}
    parameters = parse_parameters(param, schema)
    body = {
        "client": client,
        "parameters": await send_files_of(session.gateway, parameters, schema, client=client),
        "reason": reason,
        "confirm": confirm,
        "lane": str(Lane.BULK if bulk else Lane.INTERACTIVE),
        **({"dry_run": True} if dry_run else {}),
    }
    started = await session.gateway.post(
        f"/jobs/{job_id}/runs",
        StartedRun,
        body,
        headers={"Idempotency-Key": key} if key else None,
    )
    if wait:
        return await show_end(session, started.run_id, job_id, timeout)
    said = "had been started before by the same key" if started.existing else "started"
    session.output.answer(started, lambda started: f"Run {started.run_id} {said}.")
    return None
