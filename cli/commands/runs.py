"""Reading runs, and what a person may do about one: cancel, rerun, decide."""

from typing import TYPE_CHECKING, Annotated

import typer

from cli.commands.options import Bulk, Confirm, Cursor, Key, Limit, Reason, RunId, Timeout, Wait, moment
from cli.exits import Exit
from shared.words import Decision, Lane, RunState, Trigger

if TYPE_CHECKING:
    from uuid import UUID

    from cli.session import Session


async def runs(
    session: "Session",
    job: Annotated[str | None, typer.Option(help="Only runs of this job.")] = None,
    state: Annotated[
        list[RunState], typer.Option(help="Only runs in this state; may be given several times.")
    ] = [],  # noqa: B006  # typer copies it
    client: Annotated[str | None, typer.Option(help="Only runs for this client.")] = None,
    principal: Annotated[str | None, typer.Option(help="Only runs that this principal asked for.")] = None,
    trigger: Annotated[Trigger | None, typer.Option(help="Only runs with this cause.")] = None,
    since: Annotated[str | None, typer.Option(help="Requested since: 30m, 2h, 7d ago, or a time.")] = None,
    until: Annotated[str | None, typer.Option(help="Requested before: 30m, 2h, 7d ago, or a time.")] = None,
    key: Annotated[str | None, typer.Option(help="Only runs that touched this record.")] = None,
    about: Annotated[str | None, typer.Option(help="Only runs about this: document:<id>.")] = None,
    rerun_of: Annotated[str | None, typer.Option(help="Only reruns of this run.")] = None,
    action: Annotated[
        bool | None,
        typer.Option("--action/--no-action", help="Only runs that need somebody, or that do not."),
    ] = None,
    sort: Annotated[
        str, typer.Option(help="[-]requested_at, [-]finished_at, [-]duration, or job.")
    ] = "-requested_at",
    limit: Limit = 50,
    cursor: Cursor = None,
) -> None:
    """List runs, the newest first."""
    from cli.render.runs import RunList
    from cli.run_ids import find_run_id
    from shared.commands import RunsPage

    page = await session.gateway.get(
        "/runs",
        RunsPage,
        job=job,
        state=[str(one) for one in state],
        client=client,
        principal=principal,
        trigger=trigger,
        requested_after=moment(since, "--since"),
        requested_before=moment(until, "--until"),
        record_key=key,
        about=about,
        rerun_of=None if rerun_of is None else await find_run_id(session.gateway, rerun_of),
        action_required=action,
        sort=sort,
        limit=limit,
        cursor=cursor,
    )
    session.output.answer(page, lambda page: RunList(page, full_ids=session.output.full_ids))


async def run(
    session: "Session",
    run_id: RunId,
    tree: Annotated[
        bool, typer.Option("--tree", help="Instead: what it came from, and what came of it.")
    ] = False,
    wait: Wait = False,
    timeout: Timeout = None,
) -> Exit | None:
    """Show one run: its state, the seven answers, what went wrong, and its timeline."""
    from cli.client import run_path
    from cli.render.finding import tree_view
    from cli.render.run import run_view
    from cli.run_ids import find_run_id
    from shared.commands import RunDetail, RunTree

    id = await find_run_id(session.gateway, run_id)
    if tree:
        found = await session.gateway.get(run_path(id, "tree"), RunTree)
        session.output.answer(found, lambda found: tree_view(found, id))
        return None
    if wait:
        return await show_end(session, id, run_id, timeout)
    session.output.answer(await session.gateway.get(run_path(id), RunDetail), run_view)
    return None


async def cancel(
    session: "Session",
    run_id: RunId,
    reason: Reason = None,
    wait: Wait = False,
    timeout: Timeout = None,
) -> Exit | None:
    """Ask a run to stop. Records that are done stay done."""
    from cli.client import run_path
    from cli.run_ids import find_run_id
    from shared.commands import Published

    id = await find_run_id(session.gateway, run_id)
    published = await session.gateway.post(run_path(id, "cancel"), Published, {"reason": reason})
    if wait:
        return await show_end(session, id, run_id, timeout)
    session.output.answer(published, lambda _: f"Asked to stop. See: tagwerk run {id}")
    return None


async def rerun(
    session: "Session",
    run_id: RunId,
    failed_only: Annotated[
        bool, typer.Option("--failed-only", help="Only the records that failed or are unknown.")
    ] = False,
    key: Key = None,
    reason: Reason = None,
    confirm: Confirm = None,
    bulk: Bulk = False,
    wait: Wait = False,
    timeout: Timeout = None,
) -> Exit | None:
    """Do it again as a new run, with the same parameters."""
    from cli.answers import StartedRun
    from cli.client import run_path
    from cli.run_ids import find_run_id

    id = await find_run_id(session.gateway, run_id)
    body = {"only": "failed" if failed_only else "all", "reason": reason, "confirm": confirm}
    started = await session.gateway.post(
        run_path(id, "rerun"),
        StartedRun,
        body | {"lane": str(Lane.BULK if bulk else Lane.INTERACTIVE)},
        headers={"Idempotency-Key": key} if key else None,
    )
    if wait:
        return await show_end(session, started.run_id, f"rerun of {run_id}", timeout)
    session.output.answer(started, lambda started: f"Started run {started.run_id}, a rerun of {id}.")
    return None


async def decide(
    session: "Session",
    run_id: RunId,
    effect: Annotated[str, typer.Argument(help="The effect in doubt, as `tagwerk run` names it.")],
    decision: Annotated[Decision, typer.Argument(help="It happened, or do it again.")],
    reason: Annotated[str, typer.Option(help="How you know; it stands in the run.")],
) -> None:
    """Say whether an effect in doubt happened, or is to be repeated."""
    from cli.client import run_path
    from cli.run_ids import find_run_id
    from shared.commands import Published

    id = await find_run_id(session.gateway, run_id)
    published = await session.gateway.post(
        run_path(id, "decisions"),
        Published,
        {"effect": effect, "decision": str(decision), "reason": reason},
    )
    session.output.answer(published, lambda _: f"Decided: {effect}: {decision}. See: tagwerk run {id}")


async def show_end(session: "Session", run_id: "UUID", label: str, timeout: float | None) -> Exit:
    """Follow a run to its end and show it; the exit code tells how it ended."""
    from cli.render.run import run_view
    from cli.waiting import wait_for_runs

    waited = await wait_for_runs(session, {run_id: label}, timeout=timeout)
    for ended in waited.runs:
        session.output.answer(ended, run_view)
    if waited.exit is Exit.STILL_RUNNING:
        session.output.say(f"Still running after {timeout:g} s. Go on with: tagwerk run {run_id} --wait")
    return waited.exit
