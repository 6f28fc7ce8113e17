"""Approved invoices and payment files, with the state of each payment."""

from collections.abc import Sequence

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from cli.render.words import moment, rest
from shared.commands import (
    CurrencyTotal,
    PayableRow,
    PayablesPage,
    PaymentFileDetail,
    PaymentFileRow,
    PaymentFilesPage,
    PaymentOrderRow,
)
from shared.words import PaymentState

_STYLES: dict[PaymentState, str] = {
    PaymentState.OPEN: "",
    PaymentState.ORDERED: "cyan",
    PaymentState.ACCEPTED: "cyan",
    PaymentState.REJECTED: "red",
    PaymentState.PAID: "green",
}


def payables_view(page: PayablesPage) -> RenderableType:
    """Two lines for each invoice: what is owed to whom, then its document and why it is held, if it is."""
    if not page.items:
        return Text("No approved invoices match.", style="dim")
    lines = [line for row in page.items for line in _payable(row)]
    return Group(*lines, rest(page.next_cursor)) if page.next_cursor else Group(*lines)


def _payable(row: PayableRow) -> list[Text]:
    line = Text(f"{row.state:<8}  ", style=_STYLES[row.state])
    amount = "no amount" if row.amount is None else f"{row.currency or '?'} {row.amount:,.2f}"
    line.append(f"{amount:>14}", style="bold")
    line.append(f"  {row.payee_name or 'unknown payee'}", style="default")
    if row.kind == "credit_note":
        line.append("  credit note", style="yellow")
    if row.invoice_number:
        line.append(f", invoice {row.invoice_number}", style="default")
    line.append(f"  due {row.due_date}" if row.due_date else "  without a due date", style="dim")
    lines = [line, Text(f"          document {row.document_id}", style="dim")]
    if row.held:
        lines.append(Text(f"          ! {row.held}", style="yellow"))
    return lines


def payment_files_view(page: PaymentFilesPage) -> RenderableType:
    if not page.items:
        return Text(
            "There are no payment files. `tagwerk start integrations.create-payment-file` makes them.",
            style="dim",
        )
    lines = [_headline(row) for row in page.items]
    return Group(*lines, rest(page.next_cursor)) if page.next_cursor else Group(*lines)


def payment_file_view(file: PaymentFileDetail) -> RenderableType:
    """The file, and its orders by the account from which the bank pays them."""
    grid = Table.grid(padding=(0, 2))
    grid.add_column(style="dim", no_wrap=True)
    grid.add_column(ratio=1, overflow="fold")
    completed = "not handed over yet" if file.completed_at is None else moment(file.completed_at)
    for name, words in (
        ("message id", file.message_id),
        ("client", file.client),
        ("ordered by", f"{file.principal}, run {file.run_id}"),
        ("completed", completed),
        ("SHA-256", file.sha256),
    ):
        grid.add_row(name, words)
    return Group(_headline(file), Padding(grid, (0, 0, 0, 2)), *(_order(order) for order in file.orders))


def _headline(row: PaymentFileRow) -> Text:
    head = Text(str(row.file_id), style="bold")
    head.append(f"  {moment(row.created_at)}  {_sums(row.totals)}  ", style="not bold")
    for place, (state, count) in enumerate(sorted(row.states.items())):
        head.append(", " if place else "", style="not bold")
        head.append(f"{count} {state}", style=f"not bold {_STYLES[state]}".strip())
    return head


def _order(order: PaymentOrderRow) -> Text:
    line = Text(f"  {order.state:<8}  ", style=_STYLES[order.state])
    line.append(f"{order.currency} {order.amount:>10,.2f}", style="bold")
    line.append(f"  {order.payee_name}  {order.iban}", style="default")
    line.append(f"  on {order.execution_date} from {order.account}", style="dim")
    line.append(f"\n            {order.payment_id}, document {order.document_id}", style="dim")
    if order.reason:
        line.append(f"\n            {order.reason}", style="yellow")
    return line


def _sums(totals: Sequence[CurrencyTotal]) -> str:
    return " and ".join(f"{one.currency} {one.amount:,.2f}" for one in totals)
