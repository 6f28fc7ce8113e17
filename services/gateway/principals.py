"""Publishing principals: what the table holds goes to the bucket that every service reads.

The table is the truth. A kill between its commit and the publish leaves the bucket behind; the next look
mends that, of whichever replica.
"""

import asyncio

from services.gateway.store import Accounts
from shared.access import Principal
from shared.buckets import Bucket

#: Seconds between two looks.
LOOK_EVERY = 10.0


async def publish_principals(accounts: Accounts, bucket: Bucket[Principal]) -> None:
    """Put what differs."""
    await bucket.refresh()
    known = await bucket.all()
    for principal in map(accounts.effective, await accounts.principals()):
        if known.get(principal.id) != principal:
            await bucket.put(principal.id, principal)


async def keep_publishing(accounts: Accounts, bucket: Bucket[Principal]) -> None:
    while True:
        await publish_principals(accounts, bucket)
        await asyncio.sleep(LOOK_EVERY)
