"""A loop in a task group ends although what it waits in forgets the cancel."""

import asyncio

from shared.cancelling import end_if_cancelled


async def test_a_forgotten_cancel_ends_the_next_round() -> None:
    waiting = asyncio.Event()
    rounds = 0

    async def forgetful() -> None:
        waiting.set()
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            return

    async def loop() -> None:
        nonlocal rounds
        while True:
            end_if_cancelled()
            rounds += 1
            await forgetful()

    async def grouped() -> None:
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(loop())

    task = asyncio.create_task(grouped())
    await waiting.wait()
    task.cancel()
    done, _ = await asyncio.wait({task}, timeout=5)
    assert task in done
    assert task.cancelled()
    assert rounds == 1


async def test_a_time_that_is_up_is_no_cancel() -> None:
    try:
        async with asyncio.timeout(0):
            await asyncio.sleep(1)
    except TimeoutError:
        end_if_cancelled()
