"""What a run decides about invoices is decided once, whichever way they go: its next attempt finds it."""

import json
from collections.abc import Sequence

from services.integrations.erp.exporting import check_nothing_is_begun
from services.integrations.erp.invoices import changed_since_booked
from shared.events import Record
from shared.outbox import Transaction
from shared.runner.context import RunContext
from shared.words import BookedIn


async def decided_before(
    tx: Transaction, context: RunContext, elsewhere: BookedIn
) -> Sequence[Record] | None:
    """What an earlier attempt of the run left out, told again; None if this one has to decide. From here on
    the client's invoices are this transaction's, whichever way they go. Raises `erp_export_begun`."""
    # Two runs at once would both see that an invoice is not booked; the key is the last line.
    await tx.connection.execute(
        "select pg_advisory_xact_lock(hashtextextended($1, 0))", f"erp:{context.client}"
    )
    await check_nothing_is_begun(tx.connection, context.client, elsewhere)
    decided = await tx.connection.fetchval(
        "select left_out from erp_reservations where run_id = $1", context.run_id
    )
    return None if decided is None else [tx.record(Record.model_validate(one)) for one in json.loads(decided)]


async def decide(tx: Transaction, context: RunContext, left_out: Sequence[Record]) -> Sequence[Record]:
    """Keep what the run leaves out, with what has changed since it was booked; the records of it."""
    changed = await changed_since_booked(tx.connection, context.client)
    kept = [record for record in (*left_out, *changed) if context.wants(record.key)]
    await tx.connection.execute(
        "insert into erp_reservations (run_id, client, left_out) values ($1, $2, $3)",
        context.run_id,
        context.client,
        json.dumps([record.model_dump(mode="json") for record in kept]),
    )
    return [tx.record(record) for record in kept]
