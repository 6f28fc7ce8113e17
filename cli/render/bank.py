"""Bank transactions and statements as tables, two lines for each where there is something to tell."""

from decimal import Decimal

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from cli.render.words import rest
from shared.commands import BankStatementsPage, BankTransactionRow, BankTransactionsPage

_IMPORT = "`tagwerk start integrations.import-bank-statements --param file=@FILE` imports them."


def transactions_view(page: BankTransactionsPage) -> RenderableType:
    """One line for each, below it the text or the invoices; the account is named where there are several."""
    if not page.items:
        return Text(f"No transactions match. {_IMPORT}", style="dim")
    accounts = {row.account for row in page.items}
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="bold")
    for name in (
        "booked",
        "amount",
        "",
        "with whom and what for",
        *(["account"] if len(accounts) > 1 else []),
    ):
        table.add_column(name, overflow="fold", justify="right" if name == "amount" else "left")
    for row in page.items:
        cells: list[RenderableType] = [
            row.booked_on.isoformat(),
            _money(row.amount),
            row.currency,
            _told(row),
        ]
        table.add_row(*cells, *([row.account] if len(accounts) > 1 else []))
    return Group(table, rest(page.next_cursor)) if page.next_cursor else table


def statements_view(page: BankStatementsPage) -> RenderableType:
    """One line for each, below it what a person should know."""
    if not page.items:
        return Text(f"There are no statements. {_IMPORT}", style="dim")
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="bold")
    for name in ("until", "statement", "opens", "closes", "", "entries"):
        table.add_column(
            name, overflow="fold", justify="left" if name in ("until", "statement", "") else "right"
        )
    for row in page.items:
        label = Text(row.label)
        for warning in row.warnings:
            label.append(f"\n{warning}", style="yellow")
        table.add_row(
            "" if row.closing_day is None else row.closing_day.isoformat(),
            label,
            "" if row.opening_amount is None else _money(row.opening_amount),
            "" if row.closing_amount is None else _money(row.closing_amount),
            row.currency,
            str(row.entries),
        )
    return Group(table, rest(page.next_cursor)) if page.next_cursor else table


def _told(row: BankTransactionRow) -> Text:
    first = row.details[0] if row.details else None
    words = row.party or row.text or (first.text if first else None) or ""
    told = Text(words.split("\n")[0])
    if row.reversal:
        told.append("  reversal", style="yellow")
    if row.details_count > 1:
        told.append(f"  {row.details_count} payments", style="dim")
    text = first.text if first else None
    if text and text != words:
        told.append(f"\n{text.splitlines()[0]}", style="dim")
    for match in row.matches:
        number = match.invoice_number or str(match.document_id)
        state = "taken back" if match.reversed_by else ("pays" if match.settles else "pays a part of")
        told.append(f"\n{state} {number}", style="yellow" if match.reversed_by else "green")
    if row.match == "ambiguous":
        told.append("\nfits several invoices", style="yellow")
    return told


def _money(amount: Decimal) -> str:
    exponent = amount.as_tuple().exponent
    return f"{amount:,.2f}" if isinstance(exponent, int) and exponent > -2 else f"{amount:,f}"
