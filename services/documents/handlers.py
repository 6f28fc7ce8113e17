"""Events in: what this service learns from others."""

from services.documents.store import remember_document
from shared.database import Pool
from shared.events import DocumentUploaded, RatesImported
from shared.intake import remember_arrival


async def record_document_uploaded(pool: Pool, event: DocumentUploaded) -> None:
    """Know the document before anything is done with it, and that it came. The same event again changes
    nothing."""
    await remember_arrival(pool, event)
    await remember_document(pool, event)


async def record_rates_imported(pool: Pool, event: RatesImported) -> None:
    """Know the rates by which totals are compared over currencies. A correction of a rate replaces it."""
    await pool.executemany(
        "insert into rates (client, source, currency, day, base, quote, rate)"
        " values ($1, $2, $3, $4, $5, $6, $7) on conflict (client, source, currency, day) do update"
        " set base = excluded.base, quote = excluded.quote, rate = excluded.rate",
        [
            (event.client, event.source.value, rate.currency, rate.day, rate.base, rate.quote, rate.rate)
            for rate in event.rates
        ],
    )
