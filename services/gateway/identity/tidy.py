"""What has expired is removed, of whichever replica."""

import asyncio

from services.gateway.identity.credentials import remove_old_failures
from services.gateway.identity.sessions import Sessions
from shared.database import Pool

#: Seconds between two looks.
LOOK_EVERY = 60.0


async def keep_tidy(sessions: Sessions, pool: Pool) -> None:
    while True:
        await sessions.remove_expired()
        await remove_old_failures(pool)
        await pool.execute("delete from used_links where expires_at < now()")
        await pool.execute("delete from openid_requests where created_at < now() - interval '15 minutes'")
        await asyncio.sleep(LOOK_EVERY)
