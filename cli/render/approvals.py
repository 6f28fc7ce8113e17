"""Approvals, payments, and the chain of a document, as a person reads them."""

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from cli.answers import ChainEntry, DocumentChain
from cli.render.words import moment, plain, rest, state_text
from shared.commands import ApprovalDetail, ApprovalRow, ApprovalsPage, Payment, StepTaken
from shared.words import ApprovalState, PaymentState, StepKind

_STYLES: dict[ApprovalState, tuple[str, str]] = {
    ApprovalState.WAITING: ("◷", "blue"),
    ApprovalState.QUESTIONED: ("?", "magenta"),
    ApprovalState.APPROVED: ("✓", "green"),
    ApprovalState.REJECTED: ("✗", "red"),
}
#: Steps that nobody takes.
_FOLLOWING = frozenset(
    {StepKind.REQUESTED, StepKind.CHANGED, StepKind.VOIDED, StepKind.REOPENED, StepKind.PAYMENT}
)
_PAYMENT_STYLES: dict[PaymentState, str] = {PaymentState.PAID: "green", PaymentState.REJECTED: "red"}


def approvals_view(page: ApprovalsPage) -> RenderableType:
    """Two lines for each: what it is, and what it waits for."""
    if not page.items:
        return Text("No approvals match.", style="dim")
    parts: list[RenderableType] = []
    for row in page.items:
        parts += _row(row)
    if page.next_cursor:
        parts.append(rest(page.next_cursor))
    return Group(*parts)


def _row(row: ApprovalRow) -> list[RenderableType]:
    sign, style = _STYLES[row.state]
    head = Text(f"{sign} {row.state}", style=style)
    head.append(f"  due {row.due.isoformat()}", style="bold red" if row.overdue else "")
    head.append("  overdue" if row.overdue else "", style="bold red")
    if row.amount is not None:
        head.append(f"  {row.amount} {row.currency or ''}".rstrip(), style="bold")
    named = " ".join(word for word in (row.issuer_name, row.invoice_number) if word)
    head.append(f"  {named or row.file_name}", style="")
    about = Text(
        f"  {row.document_id}  {row.client}, {_given(row.approvals_needed, row.approved_by, row.role)}"
    )
    about.stylize("dim")
    parts: list[RenderableType] = [head, about]
    if row.question is not None:
        parts.append(Text(f"  asked: {row.question}", style="magenta"))
    if row.doubtful:
        parts.append(Text(f"  to be confirmed first: {', '.join(map(plain, row.doubtful))}", style="yellow"))
    if row.duplicate_of is not None:
        parts.append(Text(f"  seems to be the invoice of document {row.duplicate_of}", style="yellow"))
    return parts


def approval_view(approval: ApprovalDetail) -> RenderableType:
    """How it stands, what it waits for, and its history."""
    sign, style = _STYLES[approval.state]
    head = Text(f"{sign} {approval.state}", style=f"bold {style}")
    head.append(f", {_given(approval.approvals_needed, approval.approved_by, approval.role)}", style="")
    grid = Table.grid(padding=(0, 2))
    grid.add_column(style="dim", no_wrap=True)
    grid.add_column(ratio=1, overflow="fold")
    due = Text(approval.due.isoformat())
    if approval.overdue:
        due.append("  overdue", style="bold red")
    rows: list[tuple[str, Text]] = [
        ("due", due),
        ("rule", Text(approval.rule)),
        ("values", Text(f"version {approval.values_version}")),
    ]
    if approval.note is not None:
        rows.append(("note", Text(approval.note, style="yellow")))
    if approval.cost_center is not None:
        rows.append(("cost center", Text(approval.cost_center)))
    if approval.doubtful:
        rows.append(("to confirm", Text(", ".join(approval.doubtful), style="yellow")))
    if approval.duplicate_of is not None:
        said = "a person said that it is to be paid" if approval.duplicate_confirmed else "to be confirmed"
        rows.append(("duplicate of", Text(f"{approval.duplicate_of}, {said}", style="yellow")))
    if approval.question is not None:
        rows.append(("question", Text(f"{approval.question} ({approval.asked_by})", style="magenta")))
    for name, words in rows:
        grid.add_row(name, words)
    steps = [
        Text(f"  {moment(step.at)}  {_said(step.kind, step.principal, step.words)}")
        for step in approval.steps
    ]
    return Group(head, Padding(grid, (0, 0, 0, 2)), *steps)


def payment_view(payment: Payment) -> RenderableType:
    text = Text(f"payment {payment.state}", style=f"bold {_PAYMENT_STYLES.get(payment.state, 'blue')}")
    said = []
    if payment.amount is not None:
        said.append(f"{payment.amount} {payment.currency}")
    if payment.execution_date is not None:
        said.append(f"to be executed on {payment.execution_date.isoformat()}")
    if payment.booked_on is not None:
        said.append(f"booked on {payment.booked_on.isoformat()}")
    if payment.reason is not None or payment.reason_code is not None:
        # The words mostly begin with the code.
        code, words = payment.reason_code or "", payment.reason or ""
        said.append(words if code in words else f"{code} {words}".strip())
    return text.append(f": {', '.join(said)}" if said else "", style="")


def taken_view(taken: StepTaken) -> RenderableType:
    """How things stand after a step."""
    parts: list[RenderableType] = []
    if not taken.changed:
        parts.append(Text("Nothing changed: you had done this before.", style="dim"))
    if taken.approval is not None:
        parts.append(approval_view(taken.approval))
    elif taken.changed:
        parts.append(Text("Kept. Nobody is asked to approve the invoice yet; that follows by itself."))
    return Group(*parts)


def chain_view(chain: DocumentChain) -> RenderableType:
    """One entry after the other, runs with their id."""
    parts: list[RenderableType] = [Text(chain.file_name, style="bold")]
    for entry in chain.entries:
        parts += _entry(entry)
    return Group(*parts)


def _entry(entry: ChainEntry) -> list[RenderableType]:
    line = Text(f"  {moment(entry.at)}  ", style="dim")
    if entry.job is None:
        return [line.append(_said(entry.kind, entry.principal, entry.words), style="not dim")]
    line.append(f"{entry.job}  ", style="not dim bold")
    if entry.state is not None:
        line.append_text(state_text(entry.state))
    cause = f", caused by {entry.caused_by_event}" if entry.caused_by_event else ""
    return [line, Text(f"    {entry.words}", style=""), Text(f"    run {entry.run_id}{cause}", style="dim")]


def _said(kind: str, principal: str | None, words: str) -> str:
    """A step of the history: what a person did with their name, what followed from it without."""
    if kind == "uploaded":
        return f"uploaded: {words}"
    return words if principal is None or kind in _FOLLOWING else f"{principal} {words}"


def _given(needed: int, approved_by: list[str], role: str) -> str:
    """`1 of 2 approvals by accounting: ada`."""
    names = f": {', '.join(approved_by)}" if approved_by else ""
    return f"{len(approved_by)} of {needed} approval{'s' if needed > 1 else ''} by {role}{names}"
