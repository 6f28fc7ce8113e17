"""Exchange rates as a table that is narrow enough for any terminal."""

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from cli.render.words import rest
from shared.commands import RatesPage


def rates_view(page: RatesPage) -> RenderableType:
    """One line for each rate; the client is named where there are several."""
    if not page.items:
        return Text(
            "No rates match. `tagwerk start integrations.import-daily-rates` imports them.", style="dim"
        )
    clients = {row.client for row in page.items}
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="bold")
    for name in ("day", "source", "", "rate", "", *(["client"] if len(clients) > 1 else [])):
        table.add_column(name, overflow="fold", justify="right" if name == "rate" else "left")
    for row in page.items:
        cells = [row.day.isoformat(), row.source.upper(), f"1 {row.base} =", format(row.rate, "f"), row.quote]
        table.add_row(*cells, *([row.client] if len(clients) > 1 else []))
    return Group(table, rest(page.next_cursor)) if page.next_cursor else table
