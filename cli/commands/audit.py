"""The audit log: who did what, whether the log is as it was written, and an export that proves it."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cli.commands.options import Cursor, Limit, Timeout, moment
from cli.exits import Exit

if TYPE_CHECKING:
    from cli.session import Session

JOB = "audit.verify-log"

Principal = Annotated[str | None, typer.Option(help="Who did it.")]
Kinds = Annotated[
    list[str], typer.Option(help="What was done: signed_in, run_requested, ...; may be given several times.")
]
Client = Annotated[str | None, typer.Option(help="For which client.")]
Concern = Annotated[str | None, typer.Option(help="How what it concerned begins: document:, principal:ada.")]
Run = Annotated[str | None, typer.Option(metavar="RUN", help="Id of a run, or its beginning.")]
Trace = Annotated[str | None, typer.Option(help="Trace id: 32 hex digits.")]
Since = Annotated[str | None, typer.Option(help="Not before: 2h, 7d, 2026-03-01 or an ISO time.")]
Until = Annotated[str | None, typer.Option(help="Before, spelled as --since.")]


async def entries(
    session: "Session",
    principal: Principal = None,
    kind: Kinds = [],  # noqa: B006  # typer copies it
    client: Client = None,
    concern: Concern = None,
    run: Run = None,
    trace: Trace = None,
    since: Since = None,
    until: Until = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> None:
    """List entries of the audit log, the newest first."""
    from cli.render.audit import entries_view
    from shared.commands import AuditEntriesPage

    wanted = await _wanted(session, principal, kind, client, concern, run, trace, since, until)
    page = await session.gateway.get("/audit/entries", AuditEntriesPage, **wanted, limit=limit, cursor=cursor)
    session.output.answer(page, entries_view)


async def state(session: "Session") -> None:
    """Show how long the audit log is, what is signed of it, and what the last check came to."""
    from cli.render.audit import state_view
    from shared.commands import AuditState

    session.output.answer(await session.gateway.get("/audit/state", AuditState), state_view)


async def verify(session: "Session", timeout: Timeout = None) -> Exit | None:
    """Check every entry and every signed head; names the first entry that is not as it was."""
    from cli.answers import StartedRun
    from cli.commands.runs import show_end
    from cli.render.audit import state_view
    from cli.waiting import wait_for_runs
    from shared.commands import AuditState

    started = await session.gateway.post(f"/jobs/{JOB}/runs", StartedRun, {})
    waited = await wait_for_runs(session, {started.run_id: JOB}, timeout=timeout)
    state = await session.gateway.get("/audit/state", AuditState)
    if state.check is None or state.check.run_id != started.run_id:
        # It could not be checked: the run says why.
        return await show_end(session, started.run_id, JOB, timeout)
    session.output.answer(state, state_view)
    return Exit.SUCCEEDED if state.check.cause is None else waited.exit


async def export(
    session: "Session",
    file: Annotated[Path, typer.Argument(metavar="FILE", help="Where to write it.", dir_okay=False)],
    principal: Principal = None,
    kind: Kinds = [],  # noqa: B006  # typer copies it
    client: Client = None,
    concern: Concern = None,
    run: Run = None,
    trace: Trace = None,
    since: Since = None,
    until: Until = None,
) -> None:
    """Export entries with what proves them; deploy/verify_audit_export.py verifies the file offline."""
    from cli.answers import SavedFile

    wanted = await _wanted(session, principal, kind, client, concern, run, trace, since, until)
    size = await session.gateway.download("/audit/export", file, wanted)
    session.output.answer(
        SavedFile(file=str(file), size=size), lambda done: f"{done.file}: {done.size:,} bytes."
    )


async def _wanted(
    session: "Session",
    principal: str | None,
    kind: list[str],
    client: str | None,
    concern: str | None,
    run: str | None,
    trace: str | None,
    since: str | None,
    until: str | None,
) -> dict[str, object]:
    from cli.run_ids import find_run_id

    return {
        "principal": principal,
        "kind": kind,
        "client": client,
        "concern": concern,
        "run_id": None if run is None else str(await find_run_id(session.gateway, run)),
        "trace_id": trace,
        "since": moment(since, "--since"),
        "until": moment(until, "--until"),
    }
