"""Exchange rates in PostgreSQL; rows, outcomes and the event in one transaction."""

from collections.abc import Sequence
from datetime import date
from typing import Protocol

from services.integrations.rates.core import Judged, Rate, StoredRate, judge
from shared.events import RatesImported, Record
from shared.outbox import Outbox, Transaction
from shared.runner.context import RunContext
from shared.words import RateSource


class RateStore(Protocol):
    """What a run may do with the rates of its own client."""

    async def store_many(self, rates: Sequence[Rate]) -> Sequence[Record]:
        """Store what is new or has another value, all or nothing; returns the records to yield. In a dry run
        it only compares.

        `rates` are of one source, each key once.
        """


class PostgresRates:
    """The rates of one run's client."""

    def __init__(self, outbox: Outbox, context: RunContext) -> None:
        self._outbox = outbox
        self._context = context

    async def store_many(self, rates: Sequence[Rate]) -> Sequence[Record]:
        if not rates:
            return []
        async with self._outbox.transaction() as tx:
            # Two runs at once would both see that a rate is not there.
            await tx.connection.execute(
                "select pg_advisory_xact_lock(hashtextextended($1, 0))", f"rates:{self._context.client}"
            )
            stored = await self._stored(tx, rates)
            judged = [
                judge(rate, stored.get((rate.currency, rate.day)), self._context.run_id) for rate in rates
            ]
            changed = [one for one in judged if one.write]
            if changed and not self._context.dry_run:
                await self._write(tx, changed)
                tx.event(self._event(changed))
            return [tx.record(one.record) for one in judged]

    async def _stored(self, tx: Transaction, rates: Sequence[Rate]) -> dict[tuple[str, date], StoredRate]:
        rows = await tx.connection.fetch(
            "select currency, day, rate, rate_before, run_id from rates"
            " join unnest($3::text[], $4::date[]) as asked (currency, day) using (currency, day)"
            " where client = $1 and source = $2",
            self._context.client,
            _source_of(rates),
            [rate.currency for rate in rates],
            [rate.day for rate in rates],
        )
        return {
            (row["currency"], row["day"]): StoredRate(row["rate"], row["rate_before"], row["run_id"])
            for row in rows
        }

    async def _write(self, tx: Transaction, changed: Sequence[Judged]) -> None:
        await tx.connection.execute(
            "insert into rates (client, source, currency, day, rate, rate_before, run_id)"
            " select $1, $2, new.currency, new.day, new.rate, new.rate_before, $3"
            " from unnest($4::text[], $5::date[], $6::numeric[], $7::numeric[])"
            " as new (currency, day, rate, rate_before)"
            " on conflict (client, source, currency, day) do update set rate = excluded.rate,"
            " rate_before = excluded.rate_before, run_id = excluded.run_id, stored_at = now()",
            self._context.client,
            _source_of([one.rate for one in changed]),
            self._context.run_id,
            [one.rate.currency for one in changed],
            [one.rate.day for one in changed],
            [one.rate.value for one in changed],
            [one.before for one in changed],
        )

    def _event(self, changed: Sequence[Judged]) -> RatesImported:
        context = self._context
        return RatesImported(
            client=context.client,
            principal=context.principal,
            run_id=context.run_id,
            traceparent=context.traceparent,
            # Nobody waits for what rates cause.
            interactive=False,
            source=_source_of([one.rate for one in changed]),
            rates=[one.rate.as_told() for one in changed],
        )


def _source_of(rates: Sequence[Rate]) -> RateSource:
    (source,) = {rate.source for rate in rates}
    return source
