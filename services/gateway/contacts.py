"""How persons are reached: SQL of the table, and the answer to services that write to them."""

from typing import Any

import asyncpg

from services.gateway.store import PRINCIPAL_COLUMNS, Accounts, principal_of
from shared.commands import Contact, People, PeopleQuery, Person
from shared.database import Pool
from shared.outbox import Transaction
from shared.words import PrincipalKind

_COLUMNS = "c.email, c.language, c.absent_from, c.absent_until, c.substitute"


async def contact_of(connection: Any, principal: str) -> Contact:
    """An empty one where nobody has said anything; `connection` may be a pool."""
    row = await connection.fetchrow(f"select {_COLUMNS} from contacts c where principal = $1", principal)  # noqa: S608
    return Contact() if row is None else Contact(**dict(row))


async def write_contact(tx: Transaction, principal: str, contact: Contact, *, by: str) -> None:
    await tx.connection.execute(
        "insert into contacts (principal, email, language, absent_from, absent_until, substitute, changed_by)"
        " values ($1, $2, $3, $4, $5, $6, $7) on conflict (principal) do update set email = excluded.email,"
        " language = excluded.language, absent_from = excluded.absent_from,"
        " absent_until = excluded.absent_until, substitute = excluded.substitute, changed_at = now(),"
        " changed_by = excluded.changed_by",
        principal, contact.email, contact.language, contact.absent_from, contact.absent_until,
        contact.substitute, by,
    )  # fmt: skip


async def list_people(pool: Pool, accounts: Accounts, query: PeopleQuery) -> People:
    rows = await pool.fetch(
        f"select {PRINCIPAL_COLUMNS}, {_COLUMNS} from principals p left join contacts c"  # noqa: S608
        " on c.principal = p.id where p.active and p.kind = $1 order by p.id",
        str(PrincipalKind.USER),
    )
    people = [_person(accounts, row) for row in rows]
    return People(items=[one for one in people if one.principal.may_act_for(query.client)])


def _person(accounts: Accounts, row: asyncpg.Record) -> Person:
    told = {name: row[name] for name in Contact.model_fields}
    contact = Contact() if row["language"] is None else Contact(**told)
    return Person(principal=accounts.effective(principal_of(row)), contact=contact)
