"""What passes by itself for who reads a stream into the database."""

from typing import Final

from nats.errors import Error as NatsError

from shared.database import DATABASE_ERRORS
from shared.feed import FeedInterrupted

#: After one of these it is read on from the checkpoint.
PASSING: Final = (
    FeedInterrupted,
    NatsError,
    *DATABASE_ERRORS,
    OSError,
    TimeoutError,
)
