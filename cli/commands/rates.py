"""Exchange rates: what the import stored."""

from datetime import datetime
from typing import TYPE_CHECKING, Annotated

import typer

from cli.commands.options import Cursor, Limit
from shared.words import RateSource

if TYPE_CHECKING:
    from cli.session import Session


async def rates(
    session: "Session",
    source: Annotated[RateSource | None, typer.Option(help="Only of this source.")] = None,
    currency: Annotated[str | None, typer.Option(help="Only of this currency, such as USD.")] = None,
    day: Annotated[
        datetime | None, typer.Option(formats=["%Y-%m-%d"], metavar="YYYY-MM-DD", help="Only of this day.")
    ] = None,
    client: Annotated[str | None, typer.Option(help="Only of this client.")] = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> None:
    """List daily exchange rates, the newest day first."""
    from cli.render.rates import rates_view
    from shared.commands import RatesPage

    page = await session.gateway.get(
        "/rates",
        RatesPage,
        source=source,
        currency=None if currency is None else currency.upper(),
        day=None if day is None else day.date(),
        client=client,
        limit=limit,
        cursor=cursor,
    )
    session.output.answer(page, rates_view)
