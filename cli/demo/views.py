"""The tables of the tour on the terminal."""

from collections.abc import Sequence

from rich.console import Console, ConsoleOptions, Group, RenderableType, RenderResult
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from cli.demo.story import DocumentStory, PaymentStory, Story, TakenRun
from cli.demo.words import (
    APPROVAL_SIGNS,
    FIRST_FIELDS,
    PAYMENT_SIGNS,
    amount_of,
    called_words,
    changed_words,
    field_words,
    job_words,
    money,
    outcomes,
    party_of,
    retry_words,
    source_words,
)
from cli.render.words import clock, duration, state_text
from shared.commands import InvoiceField

#: Columns below which a run takes two lines instead of one row.
NARROW = 126


def chain_lines(runs: Sequence[TakenRun]) -> Group:
    """The document's way: two lines a run, with what caused it and what it did."""
    lines: list[RenderableType] = []
    for taken in runs:
        run = taken.run
        event = run.cause.event_type if run.cause is not None else None
        line = Text.assemble(
            (clock(run.requested_at), "dim"), f"  {job_words(run.job):<16} ", state_text(run.state)
        )
        line.append(f"  because of {(event or str(run.trigger)).removeprefix('event.')}", style="dim")
        lines += [line, Padding(Text(taken.words), (0, 0, 0, 10))]
    return Group(*lines)


def fields_table(story: DocumentStory) -> Table:
    """What is told first, and whatever is not certain."""
    table = Table.grid(padding=(0, 2, 0, 0))
    table.add_column(style="dim", no_wrap=True)
    table.add_column(overflow="fold")
    table.add_column(style="dim")
    table.add_column()
    fields = {one.name: one for one in story.detail.invoice.fields} if story.detail.invoice else {}
    shown = [fields[name] for name in FIRST_FIELDS if name in fields]
    shown += [one for one in fields.values() if one.verdict != "certain" and one not in shown]
    for one in shown:
        table.add_row(field_words(one.name), one.value, f"from {source_words(one.source)}", _verdict(one))
    return table


def _verdict(field: InvoiceField) -> Text:
    text = Text(field.verdict, style="green" if field.verdict == "certain" else "yellow")
    if field.others:
        text.append(
            ": " + ", ".join(f"{source_words(other.source)} says {other.value}" for other in field.others)
        )
    return text


def approval_line(story: DocumentStory, note: str | None) -> Text:
    """The invoice with its approval, who gave it, and what is to be said of it."""
    approval = story.detail.approval
    assert approval is not None
    sign, style = APPROVAL_SIGNS[approval.state]
    line = Text.assemble(
        (f"{sign} {approval.state:<9}", style), (f"{amount_of(story):>14}", "bold"), f"  {story.title}"
    )
    by = " and ".join(approval.approved_by)
    line.append(f"  by {by}" if by else "", style="dim")
    said = [words for words in (approval.note, approval.steps[-1].words if not by else None, note) if words]
    for words in said:
        line.append(f"\n  {words}", style="dim")
    return line


def orders_lines(payment: PaymentStory) -> Group:
    """Two lines an order: how much to whom, then where to; and why not, if the bank said so."""
    lines = []
    for order in payment.file.orders:
        sign, style = PAYMENT_SIGNS[order.state]
        line = Text.assemble(
            (f"{sign} {order.state:<9}", style), (f"{money(order.amount, order.currency):>14}", "bold")
        )
        line.append(f"  {order.payee_name}")
        to = f"to {order.iban} on {order.execution_date}"
        line.append(f"\n{'':27}{to}{f', {order.reference}' if order.reference else ''}", style="dim")
        line.append(f"\n{'':27}{order.reason}" if order.reason else "", style="red")
        lines.append(line)
    return Group(*lines)


def transactions_table(story: Story) -> Table:
    table = Table.grid(padding=(0, 2, 0, 0))
    for name in ("booked", "amount", "with whom", "pays"):
        table.add_column(justify="right" if name == "amount" else "left", overflow="fold")
    for row in story.transactions:
        pays = ", ".join(f"pays {match.invoice_number or match.document_id}" for match in row.matches)
        table.add_row(
            row.booked_on.isoformat(), money(row.amount, row.currency), party_of(row),
            Text(pays or "fits no invoice", style="green" if pays else "yellow"),
        )  # fmt: skip
    return table


class RunsTable:
    """All runs with what their answers say in a word; the report has them in sentences. On a narrow terminal
    two lines for each."""

    def __init__(self, story: Story) -> None:
        self._runs = list(story.runs.values())

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        if options.max_width < NARROW:
            yield from (_in_two_lines(taken) for taken in self._runs)
        else:
            yield self._table()

    def _table(self) -> Table:
        table = Table(box=None, padding=(0, 2, 0, 0), header_style="bold")
        for name in ("job", "about", "state", "took", "records", "data changed", "called outside", "retry"):
            table.add_column(name, overflow="fold", justify="right" if name == "took" else "left")
        for taken in self._runs:
            table.add_row(
                job_words(taken.run.job), taken.about, _state(taken), duration(taken.run.duration),
                outcomes(taken), changed_words(taken), called_words(taken), retry_words(taken),
            )  # fmt: skip
        return table


def _state(taken: TakenRun) -> Text:
    state = state_text(taken.run.state)
    return state.append(" !", style="bold red") if taken.run.action_required else state


def _in_two_lines(taken: TakenRun) -> Group:
    head = Text.assemble(_state(taken), f"  {job_words(taken.run.job)}, {taken.about}")
    head.append(f"  {duration(taken.run.duration)}", style="dim")
    said = f"{outcomes(taken)}; data changed: {changed_words(taken)}, called outside: {called_words(taken)}, "
    return Group(head, Padding(Text(f"{said}retry: {retry_words(taken)}", style="dim"), (0, 0, 0, 2)))
