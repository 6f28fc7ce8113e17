"""Children: their limits, their end, and that they take turns."""

import asyncio
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import psutil
import pytest

from shared.errors import TagwerkError
from shared.nursery import Nursery
from shared.process import Child, Limits
from shared.process import Children as AllChildren

#: Where the children of a test come from.
nurseries: list[Nursery] = []


@pytest.fixture(params=["started", "forked"], autouse=True)
async def nursery(request: pytest.FixtureRequest) -> AsyncIterator[Nursery | None]:
    """Every test runs with children that are started, and with children that are forked from a nursery."""
    if request.param == "started":
        yield None
        return
    nursery = Nursery(["tests.unit.shared.process_work"])
    nurseries.append(nursery)
    yield nursery
    nurseries.clear()
    await nursery.stop()


def Children(slots: int, limits: Limits | None = None) -> AllChildren:
    return AllChildren(slots, limits, nursery=nurseries[0] if nurseries else None)


WORK = "tests.unit.shared.process_work:Work"


def is_running(pid: int) -> bool:
    try:
        return bool(psutil.Process(pid).status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


async def gone(pid: int) -> bool:
    for _ in range(200):
        if not is_running(pid):
            return True
        await asyncio.sleep(0.01)
    return False


async def failing(folder: Path, limits: Limits, ask: Callable[[Child], Any]) -> TagwerkError:
    async with Children(1, limits).open(WORK, {}, folder=folder) as child:
        with pytest.raises(TagwerkError) as caught:
            await ask(child)
        return caught.value


async def test_arguments_and_results_cross_the_pipe_as_data(tmp_path: Path) -> None:
    async with Children(1).open(WORK, {"name": "Zürich"}, folder=tmp_path) as child:
        answer = await child.call("echo", value=[1, None, "ß"])
    assert answer == {"value": [1, None, "ß"], "facts": {"name": "Zürich"}}


async def test_bytes_come_back_as_they_are(tmp_path: Path) -> None:
    async with Children(1).open(WORK, {}, folder=tmp_path) as child:
        assert await child.call("bytes_of", size=1_000_192) == bytes(range(256)) * 3907
        assert await child.call("bytes_of", size=0) == b""
        assert (await child.call("echo", value=1))["value"] == 1


async def test_a_refusal_keeps_its_code_cause_and_next_step(tmp_path: Path) -> None:
    error = await failing(tmp_path, Limits(), lambda child: child.call("refuse"))
    assert error.failure.code == "page_unreadable"
    assert error.failure.cause == "the page is empty"
    assert error.failure.next_step == "Scan it again."
    assert not error.failure.retryable


async def test_after_a_refusal_the_child_serves_the_next_call(tmp_path: Path) -> None:
    async with Children(1).open(WORK, {}, folder=tmp_path) as child:
        with pytest.raises(TagwerkError):
            await child.call("refuse")
        assert (await child.call("echo", value=1))["value"] == 1


async def test_an_unforeseen_exception_is_told_with_its_type_and_place(tmp_path: Path) -> None:
    error = await failing(tmp_path, Limits(), lambda child: child.call("stumble"))
    assert error.failure.code == "input_crashed_reader"
    assert "KeyError" in error.failure.cause
    assert "process_work.py" in error.failure.cause


@pytest.mark.parametrize(
    ("limits", "method", "arguments", "named"),
    [
        (Limits(memory=256 * 1024 * 1024), "allocate", {"mebibytes": 512}, "256 MiB of memory"),
        (Limits(cpu_seconds=1), "spin", {}, "1 s of CPU time"),
        (Limits(wall_seconds=0.3), "sleep", {"seconds": 60}, "0.3 s"),
        (Limits(file_size=1024 * 1024), "write", {"size": 2 * 1024 * 1024}, "1 MiB for one file"),
        (Limits(output=4096), "answer_of", {"size": 8192}, "4 KiB of output"),
        (Limits(output=4096), "bytes_of", {"size": 8192}, "4 KiB of output"),
    ],
    ids=["memory", "cpu", "wall", "file_size", "output", "bytes"],
)
async def test_a_limit_that_is_reached_is_named(
    tmp_path: Path, limits: Limits, method: str, arguments: dict[str, Any], named: str
) -> None:
    error = await failing(tmp_path, limits, lambda child: child.call(method, **arguments))
    assert error.failure.code == "input_too_expensive"
    assert named in error.failure.cause
    assert not error.failure.retryable


async def test_a_crash_is_told_with_its_signal(tmp_path: Path) -> None:
    error = await failing(tmp_path, Limits(), lambda child: child.call("crash"))
    assert error.failure.code == "input_crashed_reader"
    assert "SIGSEGV" in error.failure.cause
    assert not error.failure.retryable


async def test_a_child_killed_from_outside_can_be_tried_again(tmp_path: Path) -> None:
    error = await failing(tmp_path, Limits(), lambda child: child.call("kill_myself"))
    assert error.failure.code == "input_crashed_reader"
    assert error.failure.retryable


async def test_a_cpu_limit_holds_for_each_call_and_not_for_the_life_of_the_child(tmp_path: Path) -> None:
    async with Children(1, Limits(cpu_seconds=60)).open(WORK, {}, folder=tmp_path) as child:
        before = psutil.Process(child.pid).rlimit(psutil.RLIMIT_CPU)
        await child.call("echo", value=1)
        assert psutil.Process(child.pid).rlimit(psutil.RLIMIT_CPU)[0] >= before[0] >= 60
        assert psutil.Process(child.pid).rlimit(psutil.RLIMIT_CORE) == (0, 0)


async def test_a_cancelled_call_ends_the_child_and_what_it_started(tmp_path: Path) -> None:
    async with Children(1).open(WORK, {}, folder=tmp_path) as child:
        pids = await child.call("pids")
        call = asyncio.create_task(child.call("sleep", seconds=60))
        await asyncio.sleep(0.05)
        call.cancel()
        with pytest.raises(asyncio.CancelledError):
            await call
        assert await gone(pids["child"])
        assert await gone(pids["program"])


async def test_leaving_the_block_ends_the_child_and_what_it_started(tmp_path: Path) -> None:
    async with Children(1).open(WORK, {}, folder=tmp_path) as child:
        pids = await child.call("pids")
        assert is_running(pids["program"])
    assert await gone(pids["child"])
    assert await gone(pids["program"])


async def test_what_a_crashed_child_had_started_ends_too(tmp_path: Path) -> None:
    async with Children(1).open(WORK, {}, folder=tmp_path) as child:
        pids = await child.call("pids")
        with pytest.raises(TagwerkError):
            await child.call("crash")
        assert await gone(pids["program"])


async def test_whatever_is_printed_does_not_get_between_the_frames(tmp_path: Path) -> None:
    async with Children(1).open(WORK, {}, folder=tmp_path) as child:
        assert await child.call("print_and_answer") == "answer"
        assert (await child.call("echo", value=2))["value"] == 2


async def test_a_child_knows_no_secrets_and_imports_nothing_heavy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TAGWERK_DATABASE_URL", "postgresql://user:secret@host/db")
    async with Children(1).open(WORK, {}, folder=tmp_path) as child:
        found = await child.call("surroundings")
    assert set(found["environment"]) <= {"PATH", "LANG", "TMPDIR", "LC_CTYPE"}
    assert found["folder"] == str(tmp_path)
    assert found["heavy_imports"] == []


async def test_a_child_cannot_reach_the_network_where_the_kernel_allows_that(tmp_path: Path) -> None:
    server = await asyncio.start_server(lambda reader, writer: writer.close(), "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    try:
        async with Children(1).open(WORK, {}, folder=tmp_path) as child:
            if child.network != "none":
                pytest.skip("this kernel does not let us take the network away from a process")
            assert await child.call("connect", port=port) != "connected"
    finally:
        server.close()


async def test_no_more_children_work_at_once_than_there_are_slots(tmp_path: Path) -> None:
    children = Children(2)
    async with (
        children.open(WORK, {}, folder=tmp_path) as first,
        children.open(WORK, {}, folder=tmp_path) as second,
        children.open(WORK, {}, folder=tmp_path) as third,
    ):
        spans = await asyncio.gather(*(child.call("sleep", seconds=0.1) for child in (first, second, third)))
    at_once = [sum(other[0] <= span[0] < other[1] for other in spans) for span in spans]
    assert max(at_once) == 2


async def test_a_short_document_takes_turns_with_a_long_one(tmp_path: Path) -> None:
    children = Children(1)
    order: list[str] = []

    async def read(name: str, child: Child, pages: int) -> None:
        for _ in range(pages):
            await child.call("sleep", seconds=0.02)
            order.append(name)

    async with (
        children.open(WORK, {}, folder=tmp_path) as long,
        children.open(WORK, {}, folder=tmp_path) as short,
    ):
        await asyncio.gather(read("long", long, 8), read("short", short, 2))
    assert order[:4] == ["long", "short", "long", "short"]


async def test_the_event_loop_goes_on_while_a_child_computes(tmp_path: Path) -> None:
    ticks = 0

    async def tick() -> None:
        nonlocal ticks
        while True:
            await asyncio.sleep(0.01)
            ticks += 1

    ticking = asyncio.create_task(tick())
    await failing(tmp_path, Limits(wall_seconds=0.5), lambda child: child.call("spin"))
    ticking.cancel()
    assert ticks > 15


async def test_a_slot_is_free_again_after_every_kind_of_failure(tmp_path: Path) -> None:
    children = Children(1, Limits(wall_seconds=5))
    for method in ("refuse", "stumble", "crash", "kill_myself"):
        async with children.open(WORK, {}, folder=tmp_path) as child:
            with pytest.raises(TagwerkError):
                await child.call(method)
    async with children.open(WORK, {}, folder=tmp_path) as child:
        assert not children.busy
        assert (await child.call("echo", value=3))["value"] == 3
