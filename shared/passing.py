"""What passes by itself for who reads a stream into the database."""

from typing import Final

import asyncpg
from nats.errors import Error as NatsError

from shared.feed import FeedInterrupted

#: After one of these it is read on from the checkpoint.
PASSING: Final = (
    FeedInterrupted,
    NatsError,
    asyncpg.PostgresError,
    asyncpg.InterfaceError,
    # What asyncpg raises if the server ends a connection at the moment at which a statement begins.
    asyncpg.InternalClientError,
    OSError,
    TimeoutError,
)
