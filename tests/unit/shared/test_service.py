"""How a service stops."""

import asyncio

from shared.service import _end


async def test_who_forgets_a_cancel_is_cancelled_again() -> None:
    reached: list[str] = []

    async def forgetful() -> None:
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            reached.append("forgotten")
        await asyncio.sleep(60)

    async def obedient() -> None:
        await asyncio.sleep(60)

    tasks = [asyncio.create_task(forgetful()), asyncio.create_task(obedient())]
    await asyncio.sleep(0)
    await _end(tasks)
    assert reached == ["forgotten"]
    assert all(task.cancelled() for task in tasks)
    await _end([])
