"""A cancel that nobody may forget."""

import asyncio


def end_if_cancelled() -> None:
    """For loops that run in a task group and wait inside libraries, once a round. Raises `CancelledError`.

    On Python 3.11 `asyncio.wait_for`, by which nats-py and aiomqtt wait for answers, forgets a cancel that
    comes together with what it waits for; and nobody cancels a second time, so the loop would never end.
    """
    task = asyncio.current_task()
    if task is not None and task.cancelling():
        raise asyncio.CancelledError
