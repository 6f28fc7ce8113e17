"""What a run did in detail: records, calls, changes, log lines."""

from typing import TYPE_CHECKING, Annotated

import typer

from cli.commands.options import Cursor, Limit, RunId
from shared.words import LogLevel, Outcome

if TYPE_CHECKING:
    from cli.session import Session

Outcomes = Annotated[
    list[Outcome], typer.Option(help="Only records with this outcome; may be given several times.")
]


async def records(
    session: "Session",
    key: Annotated[str | None, typer.Option(help="Every run that touched exactly this record.")] = None,
    prefix: Annotated[str | None, typer.Option(help="Records whose key begins so.")] = None,
    run: Annotated[str | None, typer.Option(metavar="RUN", help="Records of this run.")] = None,
    outcome: Outcomes = [],  # noqa: B006  # typer copies it
    limit: Limit = 50,
    cursor: Cursor = None,
) -> None:
    """List records: of a run, or everything that ever touched a key."""
    from cli.client import run_path
    from cli.problems import wrong_use
    from cli.render.lists import records_view
    from cli.run_ids import find_run_id
    from shared.commands import RecordsPage

    if run is None and key is None and prefix is None:
        raise wrong_use("records of what?", next_step="Give --run, --key or --prefix.")
    if run is not None and (key is not None or prefix is not None):
        raise wrong_use(
            "--run gives all records of a run", next_step="Leave out --run, or --key and --prefix."
        )
    path = "/records" if run is None else run_path(await find_run_id(session.gateway, run), "records")
    page = await session.gateway.get(
        path,
        RecordsPage,
        key=key,
        key_prefix=prefix,
        outcome=[str(one) for one in outcome],
        limit=limit,
        cursor=cursor,
    )
    session.output.answer(
        page,
        lambda page: records_view(page, of_one_run=run is not None, full_ids=session.output.full_ids),
    )


async def calls(session: "Session", run_id: RunId, limit: Limit = 50, cursor: Cursor = None) -> None:
    """List the calls of systems outside that a run made."""
    from cli.client import run_path
    from cli.render.lists import calls_view
    from cli.run_ids import find_run_id
    from shared.commands import CallsPage

    id = await find_run_id(session.gateway, run_id)
    page = await session.gateway.get(run_path(id, "calls"), CallsPage, limit=limit, cursor=cursor)
    session.output.answer(page, calls_view)


async def trace(session: "Session", run_id: RunId) -> None:
    """Show where the time of a run went, across all services."""
    from cli.client import run_path
    from cli.render.traces import trace_view
    from cli.run_ids import find_run_id
    from shared.commands import Trace

    id = await find_run_id(session.gateway, run_id)
    session.output.answer(await session.gateway.get(run_path(id, "trace"), Trace), trace_view)


async def changes(session: "Session", run_id: RunId, limit: Limit = 50, cursor: Cursor = None) -> None:
    """List the records of a run that changed data."""
    from cli.client import run_path
    from cli.render.lists import changes_view
    from cli.run_ids import find_run_id
    from shared.commands import RecordsPage

    id = await find_run_id(session.gateway, run_id)
    page = await session.gateway.get(run_path(id, "changes"), RecordsPage, limit=limit, cursor=cursor)
    session.output.answer(page, changes_view)


async def logs(
    session: "Session",
    run_id: RunId,
    level: Annotated[LogLevel, typer.Option(help="This level and those above.")] = LogLevel.DEBUG,
    limit: Limit = 200,
    cursor: Cursor = None,
) -> None:
    """Show the log lines of a run."""
    from cli.client import run_path
    from cli.render.lists import logs_view
    from cli.run_ids import find_run_id
    from shared.commands import LogsPage

    id = await find_run_id(session.gateway, run_id)
    page = await session.gateway.get(run_path(id, "logs"), LogsPage, level=level, limit=limit, cursor=cursor)
    session.output.answer(page, logs_view)
