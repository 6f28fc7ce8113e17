"""Where rules, rates and the invoice meet: what an approval needs, and that it follows its invoice."""

from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from typing import Any
from uuid import UUID

from services.documents.approvals import core
from services.documents.approvals.cases import Case, Invoice, keep_move
from services.documents.approvals.core import Move
from services.documents.approvals.currencies import Converted, KnownRate, convert
from services.documents.approvals.rules import Demand, Rule, Subject, demand_for
from services.documents.approvals.values import amount_of
from services.documents.core import invoice_key
from services.documents.suppliers.core import COST_CENTER
from shared.events import ApprovalRequested
from shared.outbox import Transaction
from shared.words import RateSource


class Desk:
    """The rules of one installation."""

    def __init__(self, rules: Sequence[Rule]) -> None:
        self._rules = rules

    async def demand(self, connection: Any, client: str, invoice: Invoice) -> Demand:
        """What the invoice needs, as it holds now."""
        values = invoice.values
        today = _today()
        day = _day(values.get("invoice_date")) or today
        rates = await _rates(connection, client, day)

        def converted(amount: Decimal, currency: str, wanted: str) -> Converted | None:
            return convert(amount, currency, wanted, day, rates)

        subject = Subject(
            client=client,
            supplier_name=values.get("issuer_name") or values.get("payee_name"),
            supplier_vat_id=values.get("issuer_vat_id"),
            iban=values.get("iban"),
            amount=amount_of(values),
            currency=values.get("currency"),
            cost_center=values.get(COST_CENTER),
            due_date=_day(values.get("due_date")),
        )
        return demand_for(subject, self._rules, converted, today)

    async def follow(
        self, tx: Transaction, case: Case, invoice: Invoice, principal: str, why: str, **told: Any
    ) -> Move | None:
        """Let the approval of the case follow its invoice; None if there is no approval. `told` are fields of
        the event: run, trace."""
        if case.approval is None:
            return None
        demand = await self.demand(tx.connection, case.client, invoice)
        move = core.follow(case.approval.standing, invoice.version, demand, principal, why)
        if move.changed:
            await keep_move(tx.connection, case.document_id, invoice, move)
            tx.event(requested_event(case, move, principal, **told))
        return move


def requested_event(
    case: Case, move: Move, principal: str, *, reason: str | None = None, **told: Any
) -> ApprovalRequested:
    demand = move.standing.demand
    return ApprovalRequested(
        client=case.client,
        principal=principal,
        about=about(case.document_id),
        document_id=case.document_id,
        rule=demand.rule,
        role=demand.role,
        approvals_needed=demand.approvals,
        due=demand.due,
        reason=reason,
        approved_by=list(move.standing.approved_by),
        **told,
    )


def about(document_id: UUID) -> list[str]:
    return [f"document:{document_id}", invoice_key(document_id)]


async def _rates(connection: Any, client: str, day: date) -> list[KnownRate]:
    """Of each source and currency the newest rate on or before `day`."""
    rows = await connection.fetch(
        "select distinct on (source, currency) source, day, base, quote, rate from rates"
        " where client = $1 and day <= $2 order by source, currency, day desc",
        client,
        day,
    )
    return [KnownRate(RateSource(row["source"]), *list(row)[1:]) for row in rows]


def _day(written: str | None) -> date | None:
    try:
        return date.fromisoformat(written) if written is not None else None
    except ValueError:
        return None


def _today() -> date:
    return date.today()  # noqa: DTZ011  (the day at the place where the service stands)
