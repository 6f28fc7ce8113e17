"""Questions about approvals, answered for those who may see them."""

from datetime import date
from typing import Any, Final
from uuid import UUID

from services.documents.approvals.access import expect_visible
from services.documents.approvals.cases import load_case
from services.documents.approvals.core import shown_version
from services.documents.approvals.steps import expect_approval
from services.documents.approvals.values import amount_of, doubtful_payment_fields
from services.documents.approvals.views import approval_detail, is_open, is_overdue
from services.documents.invoices.values import written
from services.documents.settlement import FIELDS
from services.documents.store import document_not_found
from shared.access import ADMINISTRATOR, EVERY_CLIENT
from shared.approving import MODULE, SEEING
from shared.commands import ApprovalDetail, ApprovalQuery, ApprovalRow, ApprovalsPage, ApprovalsQuery
from shared.database import Pool
from shared.paging import Conditions, Key, Order, encode_cursor
from shared.words import ApprovalState

_BY_DUE: Final = Order("approvals", (Key("due", date), Key("document_id", UUID)))


async def describe_approval(pool: Pool, query: ApprovalQuery) -> ApprovalDetail:
    """Raises `document_not_found`, also for what the asker may not see, and `approval_not_found`."""
    async with pool.acquire() as connection, connection.transaction():
        case = await load_case(connection, query.document_id, lock=False)
        if case is None:
            raise document_not_found(query.document_id)
        expect_visible(query.asker, case)
        expect_approval(case)
        detail = await approval_detail(connection, case)
        assert detail is not None
        return detail


async def list_approvals(pool: Pool, query: ApprovalsQuery) -> ApprovalsPage:
    """The earliest due first. Raises `cursor_invalid`."""
    conditions = Conditions()
    asker = query.asker
    if not asker.active:
        conditions.add("false")
    if EVERY_CLIENT not in asker.clients:
        conditions.add("client = any({}::text[])", sorted(asker.clients))
    # As `access.may_see` decides it for one.
    if not asker.roles & {ADMINISTRATOR, f"{MODULE}-viewer", *SEEING}:
        conditions.add("role = any({}::text[])", sorted(asker.roles))
    if query.client is not None:
        conditions.add("client = {}", query.client)
    if query.state:
        conditions.add("state = any({}::text[])", [state.value for state in query.state])
    if query.role is not None:
        conditions.add("role = {}", query.role)
    if query.overdue is not None:
        open_states = [state.value for state in ApprovalState if is_open(state)]
        late = "due < {} and state = any({}::text[])"
        today = date.today()  # noqa: DTZ011  (the day at the place of the service)
        conditions.add(late if query.overdue else f"not ({late})", today, open_states)
    if query.cursor is not None:
        conditions.add_after(_BY_DUE, query.cursor)
    limit = conditions.argument(query.limit + 1)
    rows = await pool.fetch(
        "select listed.*, documents.file_name, invoices.fields, invoices.duplicate_of from"  # noqa: S608
        f" (select * from approvals where {conditions.sql} order by {_BY_DUE.sql} limit {limit}) as listed"
        " join documents using (document_id) left join invoices using (document_id)"
        " order by listed.due, listed.document_id",
        *conditions.arguments,
    )
    items = [_row(row) for row in rows[: query.limit]]
    if len(rows) <= query.limit:
        return ApprovalsPage(items=items)
    last = items[-1]
    return ApprovalsPage(items=items, next_cursor=encode_cursor(_BY_DUE, [last.due, last.document_id]))


def _row(row: Any) -> ApprovalRow:
    state = ApprovalState(row["state"])
    fields = FIELDS.validate_json(row["fields"]) if row["fields"] is not None else []
    values = {field.name: field.value for field in fields}
    amount = amount_of(values)
    return ApprovalRow(
        document_id=row["document_id"],
        client=row["client"],
        file_name=row["file_name"],
        state=state,
        values_version=shown_version(row["values_version"], row["rounds"]),
        issuer_name=values.get("issuer_name") or values.get("payee_name"),
        invoice_number=values.get("invoice_number"),
        amount=written(amount) if amount is not None else None,
        currency=values.get("currency"),
        role=row["role"],
        approvals_needed=row["approvals_needed"],
        approved_by=row["approved_by"],
        due=row["due"],
        overdue=is_overdue(state, row["due"]),
        doubtful=doubtful_payment_fields(fields) if is_open(state) else [],
        duplicate_of=row["duplicate_of"],
        question=row["question"],
    )
