"""Suppliers of a client in PostgreSQL. Every function works in the transaction that it is given."""

import json
from collections.abc import Collection, Mapping, Sequence
from typing import Any, Final
from uuid import UUID

from services.documents.suppliers.core import CONSTANT, Supplier
from services.documents.suppliers.identity import are_different, issuer_keys
from services.documents.suppliers.labels import Hint
from shared.ids import new_id

Connection = Any  # asyncpg's, of a pool or not
#: Suppliers whose labels one analysis is given.
MOST_HINTS: Final = 500


async def find_supplier(connection: Connection, client: str, keys: Sequence[str]) -> Supplier | None:
    """The supplier that one of the keys names, the surest first."""
    for key in keys:
        row = await connection.fetchrow(
            "select supplier_id, facts, ibans, (select array_agg(key) from supplier_keys as own"
            " where own.supplier_id = suppliers.supplier_id) as keys"
            " from supplier_keys join suppliers using (supplier_id)"
            " where supplier_keys.client = $1 and key = $2",
            client,
            key,
        )
        if row is not None and not are_different(keys, row["keys"]):
            by = key.split(":", 1)[0]
            return Supplier(row["supplier_id"], by, json.loads(row["facts"]), tuple(row["ibans"]))
    return None


async def learn_facts(
    connection: Connection, client: str, values: Mapping[str, str], names: Collection[str], *, approved: bool
) -> UUID | None:
    """Remember the constant facts `names` of an invoice with these values; None if it shows no supplier.

    An account becomes known when an invoice with it is approved; by a correction only if none was known:
    else one person could make an account known that nobody else has looked at.
    """
    keys = issuer_keys(values)
    if not keys:
        return None
    known = await find_supplier(connection, client, keys)
    supplier_id = known.supplier_id if known is not None else new_id()
    ibans = list(known.ibans) if known is not None else []
    facts = dict(known.facts) if known is not None else {}
    learned = {name: values[name] for name in CONSTANT if name in names and name in values}
    if iban := learned.pop("iban", None):
        if iban not in ibans and (approved or not ibans):
            ibans.append(iban)
        if iban in ibans:
            facts["iban"] = iban
    facts.update(learned)
    await connection.execute(
        "insert into suppliers (supplier_id, client, facts, ibans) values ($1, $2, $3, $4)"
        " on conflict (supplier_id) do update set facts = excluded.facts, ibans = excluded.ibans,"
        " updated_at = now() where (suppliers.facts, suppliers.ibans) is distinct from"
        " (excluded.facts, excluded.ibans)",
        supplier_id, client, json.dumps(facts), ibans,
    )  # fmt: skip
    # An account that is not known yet recognizes nobody.
    sure = [key for key in keys if not key.startswith("iban:") or iban in ibans]
    await connection.executemany(
        "insert into supplier_keys (client, key, supplier_id) values ($1, $2, $3) on conflict do nothing",
        [(client, key, supplier_id) for key in sure],
    )
    return supplier_id


async def forget_account(
    connection: Connection, client: str, document_id: UUID, values: Mapping[str, str]
) -> None:
    """An approval of these values was taken back: an account that no other approval vouches for, and nobody
    wrote down, is not known any more."""
    iban, keys = values.get("iban"), issuer_keys(values)
    if iban is None or (known := await find_supplier(connection, client, keys)) is None:
        return
    vouched = await connection.fetchval(
        "select exists(select from approvals where client = $1 and document_id <> $2 and state = 'approved'"
        " and content->>'iban' = $3) or exists(select from corrections join documents using (document_id)"
        " where client = $1 and field = 'iban' and value = $3)",
        client,
        document_id,
        iban,
    )
    if not vouched:
        await connection.execute(
            "update suppliers set ibans = array_remove(ibans, $2), updated_at = now(),"
            " facts = case when facts->>'iban' = $2 then facts - 'iban' else facts end"
            " where supplier_id = $1",
            known.supplier_id,
            iban,
        )
        await connection.execute(
            "delete from supplier_keys where client = $1 and supplier_id = $2 and key = $3",
            client,
            known.supplier_id,
            f"iban:{iban}",
        )


async def hints(connection: Connection, client: str) -> list[Hint]:
    """What helps to read invoices of the client's suppliers, of those that were corrected last."""
    rows = await connection.fetch(
        "select labels, (select array_agg(key) from supplier_keys as own"
        " where own.supplier_id = suppliers.supplier_id) as keys from suppliers"
        " where client = $1 and labels <> '{}' order by updated_at desc limit $2",
        client,
        MOST_HINTS,
    )
    return [Hint(tuple(row["keys"] or ()), json.loads(row["labels"])) for row in rows]
