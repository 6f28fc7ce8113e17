"""The tables of the tour on the terminal."""

from collections.abc import Sequence

from rich.table import Table
from rich.text import Text

from cli.demo.story import DocumentStory, PaymentStory, Story, TakenRun
from cli.demo.words import (
    APPROVAL_SIGNS,
    FIRST_FIELDS,
    PAYMENT_SIGNS,
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


def chain_table(runs: Sequence[TakenRun]) -> Table:
    """The document's way: one line a run, with what it did and what caused it."""
    table = Table.grid(padding=(0, 2, 0, 0))
    table.add_column(style="dim", no_wrap=True)
    for name in ("job", "state", "words", "cause"):
        table.add_column(no_wrap=name != "words")
    for taken in runs:
        run = taken.run
        event = run.cause.event_type if run.cause is not None else None
        cause = f"because of {(event or str(run.trigger)).removeprefix('event.')}"
        table.add_row(
            clock(run.requested_at),
            job_words(run.job),
            state_text(run.state),
            taken.words,
            Text(cause, style="dim"),
        )
    return table


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
    amount = money(story.field("payable_amount") or "0", story.field("currency") or "")
    line = Text.assemble(
        (f"{sign} {approval.state:<9}", style), (f"{amount:>14}", "bold"), f"  {story.title}"
    )
    by = " and ".join(approval.approved_by)
    line.append(f"  by {by}" if by else "", style="dim")
    said = [words for words in (approval.note, approval.steps[-1].words if not by else None, note) if words]
    for words in said:
        line.append(f"\n  {words}", style="dim")
    return line


def orders_table(payment: PaymentStory) -> Table:
    table = Table.grid(padding=(0, 2, 0, 0))
    for name in ("state", "amount", "payee", "account", "reference", "day"):
        table.add_column(justify="right" if name == "amount" else "left", overflow="fold")
    for order in payment.file.orders:
        sign, style = PAYMENT_SIGNS[order.state]
        state = Text(f"{sign} {order.state}", style=style)
        payee = Text(order.payee_name)
        if order.reason is not None:
            payee.append(f"\n{order.reason}", style="red")
        table.add_row(
            state, Text(money(order.amount, order.currency), style="bold"), payee, order.iban,
            order.reference or "", f"on {order.execution_date}",
        )  # fmt: skip
    return table


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


def runs_table(story: Story) -> Table:
    """All runs with what their answers say in a word; the report has them in sentences."""
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="bold")
    for name in ("job", "about", "state", "took", "records", "data changed", "called outside", "retry"):
        table.add_column(name, overflow="fold", justify="right" if name == "took" else "left")
    for taken in story.runs.values():
        run = taken.run
        state = state_text(run.state)
        if run.action_required:
            state.append(" !", style="bold red")
        table.add_row(
            job_words(run.job), taken.about, state, duration(run.duration), outcomes(taken),
            changed_words(taken), called_words(taken), retry_words(taken),
        )  # fmt: skip
    return table
