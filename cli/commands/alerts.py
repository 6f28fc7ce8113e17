"""Alerts: what is wrong now, who was told; saying that one is done; silences."""

from datetime import timedelta
from typing import TYPE_CHECKING, Annotated

import typer

from cli.commands.options import Cursor, Limit
from shared.words import AlertKind

if TYPE_CHECKING:
    from cli.session import Session

Reason = Annotated[str, typer.Option(help="Why; it stands in the audit.")]
AlertId = Annotated[str, typer.Argument(metavar="ALERT", help="Id of an alert, as `alerts` shows it.")]


async def alerts(
    session: "Session",
    closed: Annotated[bool, typer.Option("--closed", help="Those that are over.")] = False,
    kind: Annotated[AlertKind | None, typer.Option(help="Only of this kind.")] = None,
    job: Annotated[str | None, typer.Option(help="Only about this job.")] = None,
    client: Annotated[str | None, typer.Option(help="Only about this client.")] = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> None:
    """List alerts that are open, with who was told of them."""
    from cli.render.alerts import alerts_view
    from shared.commands import AlertsPage

    page = await session.gateway.get(
        "/alerts",
        AlertsPage,
        state="closed" if closed else "open",
        kind=kind,
        job=job,
        client=client,
        limit=limit,
        cursor=cursor,
    )
    session.output.answer(page, alerts_view)


async def close_alert(session: "Session", alert: AlertId, reason: Reason) -> None:
    """Say that an alert is done, where its cause does not go by itself."""
    from cli.render.alerts import closed_view
    from shared.commands import AlertRow

    closed = await session.gateway.post(f"/alerts/{alert}/close", AlertRow, {"reason": reason})
    session.output.answer(closed, closed_view)


async def silences(session: "Session") -> None:
    """List silences, those in force first."""
    from cli.render.alerts import silences_view
    from shared.commands import SilencesPage

    session.output.answer(await session.gateway.get("/silences", SilencesPage), silences_view)


async def add_silence(
    session: "Session",
    reason: Reason,
    duration: Annotated[str, typer.Option("--for", metavar="TIME", help="For how long: 30m, 4h, 2d.")],
    kind: Annotated[
        list[AlertKind], typer.Option(help="Only of this kind; may be given several times.")
    ] = [],  # noqa: B006  # typer copies it
    job: Annotated[list[str], typer.Option(help="Only about such jobs: integrations.*; several times.")] = [],  # noqa: B006  # typer copies it
    client: Annotated[list[str], typer.Option(help="Only about this client; several times.")] = [],  # noqa: B006  # typer copies it
) -> None:
    """Silence alerts for a while: they are shown, and nobody is told of them."""
    from cli.render.alerts import silence_view
    from shared.commands import SilenceRow

    body = {
        "kinds": kind, "jobs": job, "clients": client, "reason": reason,
        "hours": hours_of(duration).total_seconds() / 3600,
    }  # fmt: skip
    session.output.answer(await session.gateway.post("/silences", SilenceRow, body), silence_view)


async def end_silence(
    session: "Session",
    silence: Annotated[str, typer.Argument(metavar="SILENCE", help="Id of a silence, as the list shows it.")],
) -> None:
    """End a silence now: what it held back and is still so is told."""
    from cli.render.alerts import silence_view
    from shared.commands import SilenceRow

    session.output.answer(
        await session.gateway.post(f"/silences/{silence}/end", SilenceRow, {}), silence_view
    )


def hours_of(written: str) -> timedelta:
    """`30m`, `4h`, `2d`. Raises `Problem` (usage)."""
    from cli.problems import wrong_use

    units = {"m": "minutes", "h": "hours", "d": "days"}
    number, unit = written[:-1], written[-1:]
    if unit not in units or not number.isdecimal() or not 0 < int(number) < 100_000:
        raise wrong_use(
            f"{written!r} is no duration", concern="--for", next_step="Write it as 30m, 4h or 2d."
        )
    return timedelta(**{units[unit]: int(number)})
