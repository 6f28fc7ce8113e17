"""The nursery: clean to fork from, replaced when it dies, and nothing left of it."""

import asyncio
import os
import signal
import socket
from pathlib import Path

import psutil
import pytest

from services.documents.app import PRELOAD as DOCUMENTS
from services.integrations.bank.reading import PRELOAD as BANK
from shared.errors import TagwerkError
from shared.nursery import Nursery
from shared.nursery_child import next_order
from shared.process import Children
from tests.unit.shared.test_process import gone

WORK = "tests.unit.shared.process_work:Work"


@pytest.mark.parametrize("preload", [DOCUMENTS, BANK], ids=["documents", "bank"])
async def test_what_a_service_imports_starts_no_thread(preload: tuple[str, ...]) -> None:
    nursery = Nursery(preload)
    await nursery.start()
    assert nursery.pid is not None
    assert psutil.Process(nursery.pid).num_threads() == 1
    await nursery.stop()


async def test_a_killed_nursery_takes_its_children_along_and_is_replaced(tmp_path: Path) -> None:
    nursery = Nursery([])
    children = Children(2, nursery=nursery)
    async with children.open(WORK, {}, folder=tmp_path) as child:
        assert nursery.pid is not None
        os.kill(nursery.pid, signal.SIGKILL)
        with pytest.raises(TagwerkError) as caught:
            await child.call("sleep", seconds=30)
        assert caught.value.failure.retryable
        assert await gone(child.pid)
    async with children.open(WORK, {}, folder=tmp_path) as child:
        assert (await child.call("echo", value=1))["value"] == 1
    await nursery.stop()


async def test_stopping_it_leaves_no_process_behind(tmp_path: Path) -> None:
    nursery = Nursery([])
    async with Children(1, nursery=nursery).open(WORK, {}, folder=tmp_path) as child:
        pids = await child.call("pids")
        await nursery.stop()
        assert await gone(pids["child"])
    assert await gone(pids["program"])


async def test_children_asked_for_at_once_are_all_born(tmp_path: Path) -> None:
    nursery = Nursery([])
    children = Children(8, nursery=nursery)

    async def echo(number: int) -> int:
        async with children.open(WORK, {}, folder=tmp_path) as child:
            return int((await child.call("echo", value=number))["value"])

    assert await asyncio.gather(*(echo(number) for number in range(16))) == list(range(16))
    await nursery.stop()


def test_a_service_that_dies_with_an_answer_unread_ends_its_nursery_quietly() -> None:
    service, nursery = socket.socketpair()
    nursery.send(b"an answer")
    service.close()
    assert next_order(nursery) == (None, [])
    nursery.close()
