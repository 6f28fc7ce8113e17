"""Documents to choose from, when a person starts a job for one."""

from collections.abc import Sequence
from typing import Final

from shared.commands import Choice, ChoicesQuery
from shared.database import Pool

#: Documents that are looked through for a text, the newest first.
LOOKED_THROUGH: Final = 10_000


async def documents(pool: Pool, query: ChoicesQuery) -> Sequence[Choice]:
    """The newest documents of the client; with a text those that have it in their name or id."""
    rows = await pool.fetch(
        "select document_id, file_name, uploaded_at from (select document_id, file_name, uploaded_at"
        " from documents where client = $1 order by uploaded_at desc, document_id limit $2) newest"
        " where $3::text is null or strpos(lower(file_name), lower($3)) > 0"
        " or starts_with(document_id::text, lower($3))"
        " order by uploaded_at desc, document_id limit $4",
        query.client,
        LOOKED_THROUGH,
        query.text,
        query.limit + 1,
    )
    return [
        Choice(
            value=str(row["document_id"]),
            label=row["file_name"],
            detail=f"uploaded {row['uploaded_at']:%Y-%m-%d %H:%M} UTC",
        )
        for row in rows
    ]
