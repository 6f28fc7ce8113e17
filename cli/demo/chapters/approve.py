"""Each invoice is approved by whom the rules ask: one person, or two different ones."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from cli.answers import IssuedToken, TokenPage
from cli.client import Gateway
from cli.connection import Connection
from cli.demo.samples import ON_PAPER
from cli.demo.story import DocumentStory
from cli.demo.visitor import Visitor
from shared.access import Principal
from shared.commands import ApprovalDetail, StepTaken
from shared.words import ApprovalState, PaymentState

#: The second person, where the rules ask for two.
COLLEAGUE: Final = "demo-colleague"
_SIGN_IN: Final = "second approval of the demo"


async def approve_invoices(visitor: Visitor) -> None:
    """Approve what waits; what was approved before, or refused by the bank, stays as it is."""
    visitor.show.chapter("The invoices are approved")
    visitor.show.say(
        "A person compares each invoice with the page and says that it may be paid. Who has to say so, how "
        "many, and until when, is decided by rules; what is not certain has to be confirmed first."
    )
    for story in visitor.story.invoices:
        await visitor.look_at(story)
        if story.approval is ApprovalState.WAITING and story.payment is PaymentState.REJECTED:
            visitor.show.approval(
                story, "waits again since an earlier tour: the bank had refused the payment"
            )
            continue
        known = story.approval is ApprovalState.APPROVED
        if story.approval is ApprovalState.WAITING and _is_as_on_paper(story):
            await _approve(visitor, visitor.gateway, story)
        if story.approval is ApprovalState.WAITING and _wants_another(story):
            async with _colleague(visitor, story.detail.client) as gateway:
                await _approve(visitor, gateway, story)
        approved = story.approval is ApprovalState.APPROVED
        visitor.story.check(f"{story.title}: is approved", approved, story.approval)
        visitor.show.approval(story, "approved on an earlier tour" if known else None)


def _is_as_on_paper(story: DocumentStory) -> bool:
    """What the person looks at before they approve, and confirm what is doubtful."""
    return all(story.field(name) == value for name, value in ON_PAPER.get(story.name, {}).items())


def _wants_another(story: DocumentStory) -> bool:
    approval = story.detail.approval
    return approval is not None and 0 < len(approval.approved_by) < approval.approvals_needed


async def _approve(visitor: Visitor, gateway: Gateway, story: DocumentStory) -> None:
    path = f"/approvals/{story.document_id}"
    seen = await gateway.get(path, ApprovalDetail)
    body = {"values_version": seen.values_version, "confirm": seen.doubtful}
    await gateway.post(f"{path}/approve", StepTaken, body)
    await visitor.look_at(story)


@asynccontextmanager
async def _colleague(visitor: Visitor, client: str) -> AsyncIterator[Gateway]:
    """Another person with a sign-in of their own, which ends with the block."""
    gateway = visitor.gateway
    account = {"name": "Bea Keller (demo)", "roles": ["accounting"], "clients": [client]}
    await gateway.put(f"/principals/{COLLEAGUE}", Principal, account)
    for token in (await gateway.get("/tokens", TokenPage)).items:
        if token.principal == COLLEAGUE and token.revoked_at is None:
            # Of a tour that was killed before it could.
            await gateway.delete(f"/tokens/{token.id}")
    body = {"principal": COLLEAGUE, "name": _SIGN_IN, "days": 1}
    issued = await gateway.post("/tokens", IssuedToken, body)
    try:
        async with Gateway(Connection(gateway.connection.url, issued.token)) as theirs:
            yield theirs
    finally:
        await gateway.delete(f"/tokens/{issued.id}")
