"""The check of the whole log: entries from the database, heads from the folder and the database."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from services.audit.heads import Head, SignedHead
from services.audit.keys import Keys
from services.audit.reading import (
    heads_of_database,
    heads_of_folder,
    log_id_of,
    read_entries,
    removed_ranges,
)
from services.audit.verification import ChainCheck, Finding, check_heads
from shared.database import Pool
from shared.outbox import Outbox
from shared.runner.context import RunContext


@dataclass(slots=True)
class Checked:
    """What a check came to."""

    entries: int = 0
    #: Heads with a valid signature.
    heads: int = 0
    #: The first entry that is not as it was comes first.
    findings: list[Finding] = field(default_factory=list)
    #: What is wrong with heads, beyond what it says of entries.
    wrong_heads: list[str] = field(default_factory=list)


class LogCheck:
    """The check of one run."""

    def __init__(
        self, pool: Pool, outbox: Outbox, context: RunContext, keys: Keys | None, folder: Path | None
    ) -> None:
        self._pool = pool
        self._outbox = outbox
        self._context = context
        self._keys = keys
        self._folder = folder
        self.checked = Checked()

    async def run(self) -> AsyncIterator[int]:
        """Check everything up to where the log ends now; yields how many entries are done."""
        heads = await self._heads()
        check = ChainCheck(await log_id_of(self._pool), await removed_ranges(self._pool), heads)
        # A head that is signed while we read lies behind the end of what is read.
        async for batch in read_entries(self._pool):
            for entry in batch:
                check.take(entry)
            self.checked.entries = check.number
            yield check.number
            await asyncio.sleep(0)
        check.end()
        self.checked.findings = check.findings
        self.checked.heads = len(heads)
        if not self._context.dry_run:
            await self._keep(check)

    async def _heads(self) -> list[Head]:
        """Those with a valid signature, the folder's before the database's. Notes what is wrong with them."""
        wrong = self.checked.wrong_heads
        stored = await heads_of_database(self._pool)
        lying: list[SignedHead] = []
        if self._folder is not None:
            lying, unreadable = await asyncio.to_thread(heads_of_folder, self._folder)
            wrong += [f"{name} in the folder of heads cannot be read" for name in unreadable]
        if self._keys is None:
            if stored or lying:
                wrong.append("there are heads, but no key to check them with: TAGWERK_AUDIT_KEY_FILE")
            return []
        valid = _by_ordinal(self._keys, stored, "the database", wrong)
        outside = _by_ordinal(self._keys, lying, "the folder", wrong)
        if self._folder is not None:
            wrong += await self._handed_over(set(outside))
        wrong += [
            f"head {ordinal} in the database is not the one in the folder"
            for ordinal in sorted(valid.keys() & outside.keys())
            if valid[ordinal] != outside[ordinal]
        ]
        wrong += [
            f"head {ordinal} lies in the folder and is gone from the database"
            for ordinal in sorted(outside.keys() - valid.keys())
        ]
        heads = [head for _, head in sorted((valid | outside).items())]
        wrong += check_heads(heads)
        return heads

    async def _handed_over(self, lying: set[int]) -> list[str]:
        rows = await self._pool.fetch("select ordinal from heads where written_at is not null order by 1")
        return [
            f"head {row['ordinal']} was written to the folder and is gone from there"
            for row in rows
            if row["ordinal"] not in lying
        ]

    async def _keep(self, check: ChainCheck) -> None:
        first = check.first
        cause = first.cause if first else "; ".join(self.checked.wrong_heads)[:1000] or None
        async with self._outbox.transaction() as tx:
            await tx.connection.execute(
                "insert into checks (run_id, entries, heads, broken, cause) values ($1, $2, $3, $4, $5)"
                " on conflict (run_id) do update set finished_at = now(), entries = excluded.entries,"
                " heads = excluded.heads, broken = excluded.broken, cause = excluded.cause",
                self._context.run_id, check.number, self.checked.heads, first and first.number, cause,
            )  # fmt: skip


def _by_ordinal(keys: Keys, heads: Sequence[SignedHead], where: str, wrong: list[str]) -> dict[int, Head]:
    found: dict[int, Head] = {}
    for signed in heads:
        try:
            head = Head.read(signed.statement)
        except ValueError as error:
            wrong.append(f"a head in {where} cannot be read: {error}")
            continue
        if keys.vouches_for(signed.statement, signed.signature, signed.key):
            found[head.ordinal] = head
        else:
            wrong.append(f"head {head.ordinal} in {where} has no valid signature of a known key")
    return found
