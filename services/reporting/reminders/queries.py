"""Who was reminded of an invoice, from this service's own tables."""

from shared.commands import RemindersOfInvoice, RemindersQuery, SentReminder
from shared.database import Pool


async def reminders_of(pool: Pool, query: RemindersQuery) -> RemindersOfInvoice:
    """None of a client that the asker does not act for."""
    clients = None if query.scope.clients is None else sorted(query.scope.clients)
    rows = await pool.fetch(
        "select m.planned_on as \"on\", r.person, m.recipient, r.step, e.state <> 'done' as in_doubt"
        " from reminders r join reminder_mails m using (mail_id)"
        " join effects e on e.client = m.client and e.effect = m.effect"
        " where r.document_id = $1 and e.state in ('done', 'unknown')"
        " and ($2::text[] is null or r.client = any($2)) order by m.planned_on desc, r.step desc, r.person",
        query.document_id,
        clients,
    )
    return RemindersOfInvoice(items=[SentReminder(**dict(row)) for row in rows])
