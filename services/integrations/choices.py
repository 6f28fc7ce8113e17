"""What people choose from when they start a job here: accounts, currencies, invoices, files of an inbox."""

from collections.abc import Sequence
from datetime import date
from decimal import Decimal

from obstore.store import ObjectStore

from services.integrations.mail.mailboxes import Mailboxes
from services.integrations.payments.accounts import Accounts
from shared.choices import Source, containing
from shared.commands import Choice, ChoicesQuery
from shared.database import Pool
from shared.files import Files
from shared.incoming import Incoming


def own_accounts(accounts: Accounts) -> Source:
    """The client's own accounts, the preferred first."""

    async def choose(query: ChoicesQuery) -> Sequence[Choice]:
        own = accounts.of.get(query.client, ())
        return containing(
            [Choice(value=one.iban, label=f"{_in_fours(one.iban)}, {one.name}", detail=one.currency)
             for one in own],
            query.text,
        )  # fmt: skip

    return choose


def own_mailboxes(mailboxes: Mailboxes) -> Source:
    """The client's own mailboxes, in the order of their file."""

    async def choose(query: ChoicesQuery) -> Sequence[Choice]:
        own = mailboxes.of.get(query.client, ())
        return containing(
            [Choice(value=one.name, label=one.name, detail=one.user) for one in own], query.text
        )

    return choose


def _in_fours(iban: str) -> str:
    return " ".join(iban[start : start + 4] for start in range(0, len(iban), 4))


async def rate_currencies(pool: Pool, query: ChoicesQuery) -> Sequence[Choice]:
    """Currencies of which the client has a rate of the last months."""
    rows = await pool.fetch(
        "select currency, max(day) as newest from rates where client = $1 and day > current_date - 120"
        " group by currency order by currency",
        query.client,
    )
    return containing(
        [
            Choice(value=row["currency"], label=row["currency"], detail=f"newest rate of {row['newest']}")
            for row in rows
        ],
        query.text,
    )


async def bookables(pool: Pool, query: ChoicesQuery) -> Sequence[Choice]:
    """Approved invoices that are not booked yet, the newest first."""
    rows = await pool.fetch(
        "select document_id, approved->>'issuer_name' as issuer, approved->>'invoice_number' as number,"
        " approved->>'invoice_date' as day from erp_invoices i where client = $1"
        " and not exists (select from erp_bookings b where b.document_id = i.document_id)"
        " and ($2::text is null or strpos(lower(approved::text), lower($2)) > 0)"
        " order by approved->>'invoice_date' desc nulls last, document_id limit $3",
        query.client,
        query.text,
        query.limit + 1,
    )
    return [
        Choice(
            value=str(row["document_id"]),
            label=", ".join(one for one in (row["issuer"], row["number"]) if one) or str(row["document_id"]),
            detail=row["day"],
        )
        for row in rows
    ]


async def payable_currencies(pool: Pool, query: ChoicesQuery) -> Sequence[Choice]:
    """Currencies of invoices that wait for their payment, with number and sum."""
    rows = await pool.fetch(
        "select currency, count(*) as invoices, sum(amount) as amount from payables"
        " where client = $1 and state in ('open', 'rejected') and currency is not null"
        " group by currency order by currency",
        query.client,
    )
    return containing(
        [
            Choice(
                value=row["currency"],
                label=row["currency"],
                detail=f"{row['invoices']:,} to pay, {row['amount'] or 0:,.2f}",
            )
            for row in rows
        ],
        query.text,
    )


async def payables(pool: Pool, query: ChoicesQuery) -> Sequence[Choice]:
    """Invoices that wait for their payment, the earliest due first."""
    rows = await pool.fetch(
        "select document_id, invoice_number, payee_name, amount, currency, due_date from payables"
        " where client = $1 and state in ('open', 'rejected') and kind = 'invoice'"
        " and ($2::text is null or strpos(lower(concat_ws(' ', payee_name, invoice_number, iban,"
        " document_id)), lower($2)) > 0)"
        " order by due_date nulls last, document_id limit $3",
        query.client,
        query.text,
        query.limit + 1,
    )
    return [
        Choice(
            value=str(row["document_id"]),
            label=f"{row['payee_name'] or 'unknown payee'}, invoice {row['invoice_number'] or '?'}",
            detail=_amount_and_day(row["currency"], row["amount"], row["due_date"]),
        )
        for row in rows
    ]


def _amount_and_day(currency: str | None, amount: Decimal | None, due: date | None) -> str:
    said = f"{currency or ''} {amount:,.2f}".strip() if amount is not None else "no amount"
    return f"{said}, due {due}" if due else said


def inbox(store: ObjectStore, area: str) -> Source:
    """The files in the client's folder `inbox/<area>/`, the newest first."""

    async def choose(query: ChoicesQuery) -> Sequence[Choice]:
        waiting = await Incoming(Files(store, query.client), area).waiting()
        return containing(
            [
                Choice(
                    value=file.name,
                    label=file.name,
                    detail=f"{file.size:,} bytes, of {file.modified:%Y-%m-%d %H:%M} UTC",
                )
                for file in sorted(waiting, key=lambda file: file.modified, reverse=True)
            ],
            query.text,
        )

    return choose
