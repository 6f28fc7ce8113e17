"""Files of rules that an installation writes: what they decide is audited whenever it is another than before.

Nobody signs in to change a file, so the entry names the service that found it, with what stood there before
and after; who may write to the machine is known there.
"""

import asyncio
from collections.abc import Mapping
from pathlib import Path

from shared.audit import AuditEntry
from shared.database import Pool
from shared.outbox import Outbox, Relay

#: The action of the entry.
RULES_CHANGED = "rules_changed"


async def tell_changed_rules(
    pool: Pool, relay: Relay, service: str, files: Mapping[str, Path | None]
) -> None:
    """Compare `files` (name -> file, None for none) with what they were, and audit each difference, once."""
    for name, file in files.items():
        content = "" if file is None else await asyncio.to_thread(file.read_text, "utf-8", "replace")
        content = content.replace("\0", "\ufffd")
        known = await pool.fetchval("select content from rule_files where name = $1", name)
        if (known or "") == content:
            continue
        async with Outbox(pool, relay).transaction() as tx:
            # Replicas that start at the same time wait for each other here.
            await tx.connection.execute(
                "insert into rule_files (name, content) values ($1, '') on conflict do nothing", name
            )
            before = await tx.connection.fetchval(
                "select content from rule_files where name = $1 for update", name
            )
            if before == content:
                continue
            await tx.connection.execute("update rule_files set content = $2 where name = $1", name, content)
            tx.audit(
                AuditEntry(
                    action=RULES_CHANGED,
                    principal=f"service-{service}",
                    concern=f"rules:{name}",
                    reason="found when the service started",
                    before={"file": before} if before else None,
                    after={"file": content} if content else None,
                )
            )
