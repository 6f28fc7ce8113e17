"""Calls that share statements: each gets its own answer, and nobody pays for another's mistake."""

import asyncio
from collections.abc import Sequence

import pytest

from services.mqtt_bridge.batches import LARGEST, Batches


class Database:
    """Answers ten times each number; refuses 13."""

    def __init__(self) -> None:
        self.batches: list[list[int]] = []
        self.asked = asyncio.Event()

    async def ask(self, numbers: Sequence[int]) -> Sequence[int]:
        self.batches.append(list(numbers))
        self.asked.set()
        await asyncio.sleep(0)
        if 13 in numbers:
            raise ValueError("13 is not taken")
        return [number * 10 for number in numbers]


def batches(database: Database) -> Batches[int, int]:
    return Batches(database.ask, identity=lambda number: number)


async def test_what_comes_while_one_is_asked_goes_together() -> None:
    database = Database()
    ask = batches(database)
    first = asyncio.create_task(ask(0))
    await database.asked.wait()
    answers = await asyncio.gather(first, *(ask(number) for number in (1, 2, 3)))
    assert answers == [0, 10, 20, 30]
    assert database.batches == [[0], [1, 2, 3]]


async def test_two_of_one_identity_are_asked_one_after_the_other() -> None:
    database = Database()
    ask = batches(database)
    assert list(await asyncio.gather(ask(1), ask(1), ask(2))) == [10, 10, 20]
    assert database.batches == [[1, 2], [1]]


async def test_one_that_is_refused_is_refused_alone() -> None:
    database = Database()
    ask = batches(database)
    before, refused, after = await asyncio.gather(
        *(ask(number) for number in (12, 13, 14)), return_exceptions=True
    )
    assert (before, after) == (120, 140)
    assert isinstance(refused, ValueError)


async def test_one_that_is_broken_off_keeps_nobody_else_from_an_answer() -> None:
    ask = batches(Database())
    broken, other = asyncio.create_task(ask(1)), asyncio.create_task(ask(2))
    await asyncio.sleep(0)
    broken.cancel()
    assert await other == 20
    with pytest.raises(asyncio.CancelledError):
        await broken


async def test_a_batch_has_an_upper_limit() -> None:
    database = Database()
    ask = batches(database)
    await asyncio.gather(*(ask(number + 100) for number in range(LARGEST + 5)))
    assert [len(batch) for batch in database.batches] == [LARGEST, 5]
