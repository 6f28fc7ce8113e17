"""The inbox of approvals, and one invoice with what people do about it."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse
from pydantic import BaseModel, ValidationError

from services.gateway.context import Gateway, TheGateway, TheTrace
from services.gateway.identity.asker import Asker
from services.gateway.pages.asking import PageAsking, TheVisit
from services.gateway.pages.codes import title_of
from services.gateway.pages.documents.pictures import read_pictures
from services.gateway.pages.documents.words import PAYMENTS
from services.gateway.pages.invoice_values import AMOUNTS, DATES, corrections
from services.gateway.pages.invoice_words import APPROVALS as STATES
from services.gateway.pages.invoice_words import DEEDS, FIELDS, GROUPS, SOURCES, STEPS, VERDICTS
from services.gateway.pages.languages import N_
from services.gateway.pages.navigation import APPROVALS, Place
from services.gateway.pages.rendering import Visit, link
from services.gateway.problems import ProblemError, WrongField, invalid, status_of
from services.gateway.routes import approvals as api
from services.gateway.routes.documents import find_document
from services.gateway.tracing import Trace
from shared import subjects
from shared.access import ADMINISTRATOR, Principal
from shared.approving import CORRECTING, answering, decide_step, deciding
from shared.commands import (
    ApprovalDetail,
    ApprovalRow,
    ApprovalsPage,
    DocumentDetail,
    InvoiceField,
    RemindersOfInvoice,
    RemindersQuery,
    SentReminder,
    StepTaken,
)
from shared.errors import Failure, TagwerkError
from shared.words import ApprovalState, PaymentState, StepKind

router = APIRouter(include_in_schema=False)

Act = Literal["approve", "reject", "ask", "answer", "withdraw", "correct"]
Typed = Mapping[str, Any]

#: Seconds that the page waits to hear who was reminded.
REMINDERS_WITHIN = 1.0

PAYING = (PaymentState.ORDERED, PaymentState.ACCEPTED, PaymentState.PAID)

#: The step that each leaves behind.
KINDS: Mapping[Act, StepKind] = {
    "approve": StepKind.APPROVED,
    "reject": StepKind.REJECTED,
    "ask": StepKind.QUESTIONED,
    "answer": StepKind.ANSWERED,
    "withdraw": StepKind.WITHDRAWN,
    "correct": StepKind.CORRECTED,
}

#: What is still to be done: those that nobody has decided.
OPEN = (ApprovalState.WAITING, ApprovalState.QUESTIONED)


@dataclass(frozen=True, slots=True)
class FieldRow:
    name: str
    #: A message.
    label: str
    #: What was found; None where nothing was.
    found: InvoiceField | None
    #: As it is kept; empty where there is none.
    value: str
    #: What was typed, and what the form had shown, of a correction that was not taken.
    typed: str | None
    was: str | None
    doubtful: bool
    contradicted: bool
    #: Without it nobody can approve.
    lacking: bool
    #: Why what was typed was not taken.
    error: str | None

    @property
    def pressing(self) -> bool:
        """What somebody has to look at."""
        return bool(self.doubtful or self.contradicted or self.lacking or self.error)


@dataclass(frozen=True, slots=True)
class FieldGroup:
    #: A message.
    name: str
    rows: Sequence[FieldRow]
    #: Something in it was typed, and not taken.
    open: bool


@dataclass(frozen=True, slots=True)
class Refused:
    """A step that was not taken."""

    failure: Failure
    #: A message; None for a code that no page knows by name.
    title: str | None
    errors: Sequence[WrongField]
    act: Act
    typed: Typed
    #: The errors are messages of the pages, and not of a service.
    own: bool = False


class NotUnderstood(TagwerkError):
    """A correction of which nothing was sent; `wrong`: messages by field."""

    def __init__(self, wrong: Mapping[str, str]) -> None:
        super().__init__(
            "correction_invalid",
            N_("Not everything that was typed can be understood; nothing was changed."),
            next_step=N_("Correct what is marked, and send it again."),
        )
        self.wrong = wrong


@dataclass(frozen=True, slots=True)
class May:
    """As the documents service decides it."""

    #: Approve, reject, ask.
    decide: bool
    answer: bool
    correct: bool

    @classmethod
    def of(cls, reader: Principal, approval: ApprovalDetail) -> "May":
        def any_of(roles: frozenset[str]) -> bool:
            return decide_step(reader, approval.client, roles).allowed

        return cls(
            decide=any_of(deciding(approval.role)),
            answer=any_of(answering(approval.role)),
            correct=any_of(CORRECTING),
        )


@dataclass(frozen=True, slots=True)
class Done:
    """The step that led here."""

    act: Act
    #: False: the same person had done the same before.
    changed: bool
    #: The next that waits for the reader.
    next: ApprovalRow | None


@dataclass(frozen=True, slots=True)
class ApprovalPage:
    approval: ApprovalDetail
    document: DocumentDetail
    #: Fields that have a value or have to be looked at.
    fields: Sequence[FieldRow]
    #: Of the form: what has to be looked at, then the rest.
    pressing: Sequence[FieldRow]
    groups: Sequence[FieldGroup]
    #: Whether the reader's own approval counts.
    mine: bool
    open: bool
    #: What the reader may do, as far as roles go.
    may: May
    refused: Refused | None

    @property
    def unsent(self) -> str | None:
        """What was typed for a step that cannot be taken any more: nothing else shows it."""
        if self.refused is None or self.refused.act in self.offered:
            return None
        return self.refused.typed.get("said") or None

    @property
    def paying(self) -> bool:
        """It is in a payment file: an approval cannot be taken back any more."""
        payment = self.approval.payment
        return payment is not None and payment.state in PAYING

    @property
    def offered(self) -> Sequence[Act]:
        """The steps that make sense now and that the reader may take."""
        state = self.approval.state
        acts: Mapping[Act, bool] = {
            "approve": self.may.decide and state == ApprovalState.WAITING and not self.mine,
            "withdraw": self.mine and not self.paying,
            "answer": self.may.answer and self.approval.question is not None,
            "ask": self.may.decide and state == ApprovalState.WAITING,
            "reject": self.may.decide and self.open,
            "correct": self.may.correct and state != ApprovalState.APPROVED,
        }
        return [act for act, offered in acts.items() if offered]


def approval_view(
    approval: ApprovalDetail, document: DocumentDetail, reader: Principal, refused: Refused | None = None
) -> ApprovalPage:
    invoice = document.invoice
    found = {field.name: field for field in invoice.fields} if invoice is not None else {}
    typed = refused.typed if refused is not None and refused.act == "correct" else {}
    wrong = {one.field: one.message for one in refused.errors} if refused is not None and typed else {}
    lacking = _lacking(approval.values)
    contradicted = {name for one in (invoice.findings if invoice is not None else ()) for name in one.fields}
    rows = {
        name: FieldRow(
            name,
            label,
            found.get(name),
            _value(name, found, approval),
            typed.get(f"is.{name}"),
            typed.get(f"was.{name}"),
            name in approval.doubtful,
            name in contradicted or (name in found and found[name].verdict == "contradicted"),
            name in lacking,
            wrong.get(name),
        )
        for name, label in FIELDS.items()
    }
    return ApprovalPage(
        approval,
        document,
        [row for row in rows.values() if row.found or row.value or row.pressing],
        [row for row in rows.values() if row.pressing],
        [_group(name, [rows[one] for one in names]) for name, names in GROUPS],
        reader.id in approval.approved_by,
        approval.state in OPEN,
        May.of(reader, approval),
        refused,
    )


def _group(name: str, rows: Sequence[FieldRow]) -> FieldGroup:
    rest = [row for row in rows if not row.pressing]
    return FieldGroup(name, rest, any(row.typed != row.was for row in rest))


def _lacking(values: Mapping[str, str]) -> set[str]:
    """As the documents service asks for them before an approval."""
    lacking = set() if "payable_amount" in values or "gross_amount" in values else {"payable_amount"}
    return lacking if "currency" in values else {*lacking, "currency"}


def _value(name: str, found: Mapping[str, InvoiceField], approval: ApprovalDetail) -> str:
    if name == "cost_center":
        return approval.cost_center or ""
    return found[name].value if name in found else approval.values.get(name, "")


class Wanted(BaseModel):
    """The query string of the inbox."""

    state: Literal["open", "waiting", "questioned", "approved", "rejected", "all"] = "open"
    cursor: str | None = None


def states_of(wanted: Wanted) -> list[ApprovalState]:
    if wanted.state == "open":
        return list(OPEN)
    return [] if wanted.state == "all" else [ApprovalState(wanted.state)]


@router.get("/approvals")
async def read_inbox(
    visit: TheVisit, asking: PageAsking, gateway: TheGateway, wanted: Annotated[Wanted, Query()]
) -> HTMLResponse:
    chosen = api.ApprovalsFilter(state=states_of(wanted), cursor=wanted.cursor)
    found: ApprovalsPage = await api.list_approvals(chosen, asking, gateway)
    return visit.page(
        "approvals.html",
        trail=(APPROVALS,),
        found=found,
        wanted=wanted,
        states=STATES,
        fields=FIELDS,
        roles=asking.roles,
        reader=asking.id,
        open=OPEN,
        overdue=sum(row.overdue for row in found.items),
        counted=_counted(wanted, found),
    )


def _counted(wanted: Wanted, found: ApprovalsPage) -> dict[str, int | None]:
    """How many wait, as far as this page holds all of them."""
    whole = wanted.cursor is None and found.next_cursor is None
    return {
        state: len(found.items) if whole and state == wanted.state else None
        for state in ("open", "questioned")
    }


@router.get("/approvals/{document_id}")
async def read_one(
    document_id: UUID,
    visit: TheVisit,
    asking: PageAsking,
    gateway: TheGateway,
    done: Act | None = None,
    changed: bool = True,
) -> HTMLResponse:
    """`done`: the step that led here, and whether it `changed` anything."""
    if done is None:
        return await _show(visit, asking, gateway, document_id)
    following = await _next_waiting(asking, gateway, document_id)
    return await _show(visit, asking, gateway, document_id, done=Done(done, changed, following))


@router.post("/approvals/{document_id}/{act}")
async def take_step(
    document_id: UUID,
    act: Act,
    request: Request,
    visit: TheVisit,
    asking: PageAsking,
    gateway: TheGateway,
    trace: TheTrace,
) -> Response:
    """Back to the page, with the step among its steps; or with why it was not taken, and what was typed."""
    form = await request.form()
    typed: dict[str, Any] = {key: str(value) for key, value in form.items()}
    typed["confirm"] = [str(value) for value in form.getlist("confirm")]
    try:
        taken = await _step(act, typed)(document_id, asking, gateway, trace)
    except ValidationError as error:
        refusal: TagwerkError = invalid(error)
    except TagwerkError as error:
        if error.failure.code in ("document_not_found", "approval_not_found"):
            raise
        refusal = error
    else:
        known = {} if taken.changed else {"changed": "false"}
        return RedirectResponse(link(f"/approvals/{document_id}", done=act, **known), 303)
    errors = (refusal.members.get("errors") or []) if isinstance(refusal, ProblemError) else []
    own = isinstance(refusal, NotUnderstood)
    if isinstance(refusal, NotUnderstood):
        errors = [WrongField(field=name, message=why) for name, why in refusal.wrong.items()]
    refused = Refused(refusal.failure, title_of(refusal.failure.code), errors, act, typed, own)
    return await _show(visit, asking, gateway, document_id, refused)


def _step(act: Act, typed: Typed) -> Callable[[UUID, Asker, Gateway, Trace], Awaitable[StepTaken]]:
    """The route of the API that takes the step; raises what is wrong with its body."""
    said = typed.get("said", "")

    async def take(document_id: UUID, asking: Asker, gateway: Gateway, trace: Trace) -> StepTaken:
        match act:
            case "approve":
                approval = api.Approve(
                    values_version=typed.get("values_version", ""),
                    comment=said.strip() or None,
                    confirm=typed["confirm"],
                )
                return await api.approve(document_id, approval, asking, gateway, trace)
            case "reject":
                return await api.reject(document_id, api.Because(reason=said), asking, gateway, trace)
            case "withdraw":
                return await api.withdraw(document_id, api.Because(reason=said), asking, gateway, trace)
            case "ask":
                return await api.ask(document_id, api.Ask(question=said), asking, gateway, trace)
            case "answer":
                return await api.answer(document_id, api.AnswerIt(answer=said), asking, gateway, trace)
            case "correct":
                fields, wrong = corrections({key: said for key, said in typed.items() if key != "confirm"})
                if wrong:
                    raise NotUnderstood(wrong)
                body = api.Correct(fields=fields, reason=said.strip() or None)
                return await api.correct(document_id, body, asking, gateway, trace)

    return take


async def _next_waiting(asking: Asker, gateway: Gateway, document_id: UUID) -> ApprovalRow | None:
    """The earliest due that the reader can decide about; None too where nobody tells, as the step is done."""
    try:
        found = await api.list_approvals(api.ApprovalsFilter(state=[ApprovalState.WAITING]), asking, gateway)
    except TagwerkError:
        return None
    return next_for(asking, found.items, document_id)


def _was_taken(act: Act, approval: ApprovalDetail, reader: Principal) -> bool:
    """An address can say anything."""
    return any(step.principal == reader.id and step.kind == KINDS[act] for step in approval.steps)


def next_for(reader: Principal, rows: Sequence[ApprovalRow], but: UUID) -> ApprovalRow | None:
    for row in rows:
        mine = row.role in reader.roles or ADMINISTRATOR in reader.roles
        if mine and row.document_id != but and reader.id not in row.approved_by:
            return row
    return None


async def _reminders(gateway: Gateway, asking: Asker, document_id: UUID) -> Sequence[SentReminder]:
    """Who was reminded of it; nobody where the service that knows is away: the page goes without."""
    query = RemindersQuery(document_id=document_id, **await gateway.gate.scope(asking))
    subject = subjects.query("reporting", "reminders")
    try:
        told = await gateway.bus.ask(subject, query, RemindersOfInvoice, timeout=REMINDERS_WITHIN)
    except TagwerkError:
        return []
    return told.items


async def _show(
    visit: Visit,
    asking: Asker,
    gateway: Gateway,
    document_id: UUID,
    refused: Refused | None = None,
    done: Done | None = None,
) -> HTMLResponse:
    approval = await api.read_approval(document_id, asking, gateway)
    document = await find_document(gateway, asking, document_id)
    path = link(f"{APPROVALS.path}/{document_id}")
    return visit.page(
        "approval.html",
        trail=(APPROVALS, Place(document.file_name, path, given=True)),
        status=200 if refused is None else status_of(refused.failure),
        view=approval_view(approval, document, asking, refused),
        done=done if done is not None and _was_taken(done.act, approval, asking) else None,
        deeds=DEEDS,
        payments=PAYMENTS,
        correcting=sorted(CORRECTING),
        pictures=await read_pictures(gateway, asking, document),
        reminders=await _reminders(gateway, asking, document_id),
        states=STATES,
        steps=STEPS,
        sources=SOURCES,
        verdicts=VERDICTS,
        fields=FIELDS,
        amounts=AMOUNTS,
        dates=DATES,
    )
