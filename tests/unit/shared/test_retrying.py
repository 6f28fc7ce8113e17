"""What is tried again within one call, and what is not."""

from collections.abc import Sequence

import pytest

from shared.clients.retrying import RETRIES, again
from shared.errors import (
    CredentialsRejected,
    ExternalSystemBusy,
    ExternalSystemNotReached,
    ExternalSystemUnavailable,
    TagwerkError,
)

AWAY = ExternalSystemNotReached("bank", "no connection")
LOST = ExternalSystemUnavailable("bank", "no answer in time")
SOON = ExternalSystemBusy("bank", "it answered 429", retry_after=0.0)
LATER = ExternalSystemBusy("bank", "it answered 503", retry_after=3600.0)
REFUSED = CredentialsRejected("bank", "it answered 401")


async def tried(errors: Sequence[TagwerkError], *, reads: bool) -> tuple[int, TagwerkError | None]:
    """How often a call was tried that fails with these and then succeeds, and what came of it."""
    left, tries = list(errors), 0

    async def call() -> None:
        nonlocal tries
        tries += 1
        if left:
            raise left.pop(0)

    try:
        await again(call, RETRIES, reads=reads)
    except TagwerkError as error:
        return tries, error
    return tries, None


@pytest.mark.parametrize(
    ("errors", "reads", "tries", "end"),
    [
        ([AWAY, AWAY], False, 3, None),
        ([AWAY, AWAY, AWAY], True, 3, AWAY),
        # It may have been done.
        ([LOST], False, 1, LOST),
        ([LOST], True, 2, None),
        ([SOON, SOON], True, 3, None),
        ([SOON], False, 1, SOON),
        ([LATER], True, 1, LATER),
        ([REFUSED], True, 1, REFUSED),
    ],
)
async def test_only_what_surely_did_nothing_is_tried_again(
    errors: list[TagwerkError], reads: bool, tries: int, end: TagwerkError | None
) -> None:
    assert await tried(errors, reads=reads) == (tries, end)
