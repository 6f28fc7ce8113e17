"""What the record of a transaction says of the invoices that it pays: the same in every attempt of a run."""

from collections.abc import Sequence
from uuid import UUID

from services.integrations.bank.judgement import Verdict
from services.integrations.bank.matching import Match, Payable
from shared.outbox import Transaction
from shared.runner.context import RunContext
from shared.words import Outcome


def tell(verdict: Verdict, match: Match) -> None:
    verdict.notes.append(match.sentence)
    if not verdict.own:
        verdict.changes["invoice"] = None, match.payable.name


def tell_came_back(verdict: Verdict, match: Match, back: str) -> None:
    """It would pay the invoice, but the transaction `back` took it back, and came before it."""
    verdict.notes.append(f"{match.sentence}; the money came back with {back}")


def tell_return(verdict: Verdict, document_id: UUID) -> None:
    verdict.notes.append(f"takes back the payment of invoice {document_id}, which is open again")


async def tell_again(tx: Transaction, context: RunContext, verdicts: Sequence[Verdict]) -> None:
    """Tell what an earlier attempt of this run matched, and took back."""
    done = {one.key: one for one in verdicts if one.outcome is not Outcome.UNCHANGED and one.match != "none"}
    matches = await tx.connection.fetch(
        "select m.transaction_key, m.amount as matched, m.matched_by, p.document_id, p.invoice_number,"
        " p.payee_name, p.amount, p.currency, coalesce((select sum(o.amount) from bank_matches o"
        " where o.document_id = m.document_id and o.id < m.id and o.reversed_by is null), 0) as paid,"
        " (select key from bank_transactions b where b.client = m.client and b.key = m.reversed_by"
        " and b.stored_at < m.matched_at) as back"
        " from bank_matches m join payables p using (document_id)"
        " where m.client = $1 and m.run_id = $2 and m.transaction_key = any($3::text[]) order by m.id",
        context.client,
        context.run_id,
        list(done),
    )
    for row in matches:
        payable = Payable(
            document_id=row["document_id"],
            invoice_number=row["invoice_number"],
            payee_name=row["payee_name"],
            iban=None,
            reference=None,
            amount=row["amount"],
            currency=row["currency"],
            due_date=None,
            paid=row["paid"],
        )
        verdict, match = done[row["transaction_key"]], Match(payable, row["matched"], row["matched_by"])
        if row["back"] is not None:
            tell_came_back(verdict, match, row["back"])
        else:
            tell(verdict, match)
    returns = await tx.connection.fetch(
        "select reversed_by, document_id from bank_matches"
        " where client = $1 and reversed_by = any($2::text[]) order by id",
        context.client,
        list(done),
    )
    for row in returns:
        tell_return(done[row["reversed_by"]], row["document_id"])
