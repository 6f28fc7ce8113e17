"""Looking at systems: all at once, never for long, and never twice at the same time."""

import asyncio
import time
from pathlib import Path

import pytest

from shared.commands import Probed, ProbeQuery
from shared.errors import TagwerkError
from shared.files import Files, open_store
from shared.folders import probe_folder
from shared.probes import Probes
from shared.words import CheckVerdict


async def look(probes: Probes, *names: str, client: str = "main") -> dict[str, Probed]:
    answer = await probes.answer(ProbeQuery(names=list(names), client=client))
    return {one.name: one for one in answer.items}


async def test_each_is_told_as_it_is_found_and_one_that_hangs_holds_nobody_up() -> None:
    async def good(client: str) -> str:
        return f"it answers {client}"

    async def refused(client: str) -> str:
        raise TagwerkError("credentials_rejected", "it answered 401", next_step="Renew them.")

    async def broken(client: str) -> str:
        raise RuntimeError("what was that?")

    async def hangs(client: str) -> str:
        await asyncio.sleep(60)
        return "never"

    probes = Probes({"good": good, "refused": refused, "broken": broken, "hangs": hangs}, within=0.2)
    began = time.monotonic()
    found = await look(probes, "good", "refused", "broken", "hangs", "nobody")
    assert time.monotonic() - began < 5
    assert {name: (one.verdict, one.code) for name, one in found.items()} == {
        "good": (CheckVerdict.OK, None),
        "refused": (CheckVerdict.WARNING, "credentials_rejected"),
        "broken": (CheckVerdict.WARNING, "unexpected_error"),
        "hangs": (CheckVerdict.WARNING, "probe_timed_out"),
        "nobody": (CheckVerdict.UNKNOWN, None),
    }
    assert found["good"].words == "it answers main"
    assert found["refused"].mend == "Renew them."


async def test_who_asks_while_a_look_is_under_way_waits_for_that_one() -> None:
    looks = 0
    ends = asyncio.Event()

    async def slow(client: str) -> str:
        nonlocal looks
        looks += 1
        await ends.wait()
        return "found"

    probes = Probes({"slow": slow}, within=0.05, fresh=60)
    for _ in range(3):
        assert (await look(probes, "slow"))["slow"].code == "probe_timed_out"
    assert looks == 1
    ends.set()
    assert (await look(probes, "slow"))["slow"].verdict is CheckVerdict.OK
    assert (await look(probes, "slow"))["slow"].words == "found", "for some seconds it holds"
    assert looks == 1
    await look(probes, "slow", client="other")
    assert looks == 2, "another client's is another"


async def test_an_answer_that_is_old_is_looked_at_again() -> None:
    words = iter(["first", "second"])

    async def changing(client: str) -> str:
        return next(words)

    probes = Probes({"system": changing}, fresh=0.0)
    assert [(await look(probes, "system"))["system"].words for _ in range(2)] == ["first", "second"]


async def test_a_folder_is_tried_and_left_as_it_was(tmp_path: Path) -> None:
    assert await probe_folder(tmp_path) == "files can be written"
    assert "the first one makes the folder" in await probe_folder(tmp_path / "a" / "b")
    assert list(tmp_path.iterdir()) == []
    blocked = tmp_path / "file"
    blocked.touch()
    dangling = tmp_path / "link"
    dangling.symlink_to(tmp_path / "nowhere")
    for path in (blocked, blocked / "below", dangling):
        with pytest.raises(TagwerkError) as refused:
            await probe_folder(path)
        assert refused.value.failure.code == "location_unwritable"
        assert refused.value.failure.next_step


async def test_a_store_is_tried_and_left_as_it_was(tmp_path: Path) -> None:
    files = Files(open_store(f"file://{tmp_path}/files"), "alpha")
    assert "the first one makes the folder" in await files.probe()
    assert [path.name for path in tmp_path.rglob("*")] == ["files"]
    in_memory = Files(open_store("memory:///"), "alpha")
    assert await in_memory.probe() == "files can be written"
    assert await in_memory.list("probe") == []
