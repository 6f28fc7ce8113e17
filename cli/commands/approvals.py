"""Approvals: who waits for whom, and what a person does about an invoice."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from cli.commands.options import Cursor, Limit
from shared.words import ApprovalState

if TYPE_CHECKING:
    from cli.session import Session

Document = Annotated[str, typer.Argument(metavar="DOCUMENT", help="Id of the invoice's document.")]


async def approvals(
    session: "Session",
    state: Annotated[
        list[ApprovalState],
        typer.Option(help="In this state; several times. Without it: what waits for people."),
    ] = [ApprovalState.WAITING, ApprovalState.QUESTIONED],  # noqa: B006  # typer copies it
    client: Annotated[str | None, typer.Option(help="Only of this client.")] = None,
    role: Annotated[str | None, typer.Option(help="Only those that this role is to approve.")] = None,
    overdue: Annotated[
        bool | None, typer.Option("--overdue/--not-overdue", help="Only those that are late, or are not.")
    ] = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> None:
    """List approvals that wait for people, the earliest due first."""
    from cli.render.approvals import approvals_view
    from shared.commands import ApprovalsPage

    page = await session.gateway.get(
        "/approvals",
        ApprovalsPage,
        state=[str(one) for one in state],
        client=client,
        role=role,
        overdue=overdue,
        limit=limit,
        cursor=cursor,
    )
    session.output.answer(page, approvals_view)


async def approve(
    session: "Session",
    document: Document,
    comment: Annotated[str | None, typer.Option(help="What else you have to say.")] = None,
    confirm: Annotated[
        list[str],
        typer.Option(metavar="NAME", help="A doubtful field that is right, or `duplicate`; several times."),
    ] = [],  # noqa: B006  # typer copies it
    version: Annotated[
        str | None,
        typer.Option(help="The version of the values that you saw; without it, those that stand there now."),
    ] = None,
) -> None:
    """Approve an invoice: it may be paid, once everybody who has to has approved."""
    from cli import ids
    from shared.commands import ApprovalDetail

    if version is None:
        seen = await session.gateway.get(f"/approvals/{ids.document_id(document)}", ApprovalDetail)
        version = seen.values_version
    body = {"values_version": version, "comment": comment, "confirm": confirm}
    await _take(session, document, "approve", body)


async def reject(
    session: "Session", document: Document, reason: Annotated[str, typer.Option(help="Why not.")]
) -> None:
    """Reject an invoice: it will not be paid."""
    await _take(session, document, "reject", {"reason": reason})


async def withdraw(
    session: "Session",
    document: Document,
    reason: Annotated[str, typer.Option(help="Why you take it back.")],
) -> None:
    """Take your own approval back, as long as the invoice is in no payment file."""
    await _take(session, document, "withdraw", {"reason": reason})


async def ask(
    session: "Session", document: Document, question: Annotated[str, typer.Argument(help="What to ask.")]
) -> None:
    """Ask back before you approve; nobody can approve until it is answered."""
    await _take(session, document, "ask", {"question": question})


async def answer(
    session: "Session", document: Document, text: Annotated[str, typer.Argument(help="The answer.")]
) -> None:
    """Answer the question that is open."""
    await _take(session, document, "answer", {"answer": text})


async def correct(
    session: "Session",
    document: Document,
    fields: Annotated[
        list[str],
        typer.Argument(metavar="NAME=VALUE", help="iban=CH93..., gross_amount=1234.50; NAME= for none."),
    ],
    reason: Annotated[str | None, typer.Option(help="How you know.")] = None,
) -> None:
    """Correct fields of an invoice, confirm them by the same value, or give them where none was found."""
    from cli.problems import wrong_use

    values: dict[str, str | None] = {}
    for written in fields:
        name, sign, value = written.partition("=")
        if not sign or not name.strip():
            raise wrong_use(f"{written!r} is no NAME=VALUE", next_step="Write iban=CH9300762011623852957.")
        values[name.strip().replace("-", "_")] = value.strip() or None
    await _take(session, document, "correct", {"fields": values, "reason": reason})


async def _take(session: "Session", document: str, step: str, body: dict[str, Any]) -> None:
    from cli import ids
    from cli.render.approvals import taken_view
    from shared.commands import StepTaken

    id = ids.document_id(document)
    path = f"/documents/{id}/invoice/corrections" if step == "correct" else f"/approvals/{id}/{step}"
    filled = {name: value for name, value in body.items() if value is not None}
    session.output.answer(await session.gateway.post(path, StepTaken, filled), taken_view)
