"""Entries of an ERP as a table."""

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from cli.render.words import rest
from shared.commands import ErpEntriesPage

#: Told by the label already, or of no use to people.
_NOT_SHOWN = frozenset({"name", "external_id"})


def erp_entries_view(page: ErpEntriesPage) -> RenderableType:
    """One line for each entry; the client is named where there are several."""
    if not page.items:
        return Text("Nothing matches. `tagwerk start integrations.erp-import` reads the ERP.", style="dim")
    clients = {row.client for row in page.items}
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="bold")
    for name in ("id", "name", "", *(["client"] if len(clients) > 1 else [])):
        table.add_column(name, overflow="fold")
    for row in page.items:
        said = [
            f"{name.replace('_', ' ')} {value}" if value is not True else name.replace("_", " ")
            for name, value in row.values.items()
            if name not in _NOT_SHOWN and value is not False
        ]
        gone = ["gone from the ERP"] if row.gone else []
        cells = [row.id, row.label, ", ".join([*gone, *said])]
        table.add_row(*cells, *([row.client] if len(clients) > 1 else []), style="dim" if row.gone else None)
    return Group(table, rest(page.next_cursor)) if page.next_cursor else table
