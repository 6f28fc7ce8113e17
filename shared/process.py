"""Dangerous or CPU-bound work in child processes that have limits and can be killed.

A child serves one object: `open` names a class (`package.module:Class`), the child builds it, and `call`
runs its methods with JSON arguments; results are JSON, or bytes as they are. It handles all of one document,
so that imports are paid once. What it may use is in `Limits`; beyond that stand an own process group, no
network where the kernel allows it, an environment without our secrets, and death with its parent.

Errors, as `TagwerkError`: what the child refuses keeps its own code; `input_too_expensive` names the limit
that was reached; `input_crashed_reader` tells of a signal or an exception that nobody foresaw.
"""

import asyncio
import contextlib
import json
import os
import signal
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from shared.errors import TagwerkError
from shared.nursery import Nursery, NurseryChild, NurseryGone
from shared.process_child import HEADER
from shared.telemetry.processes import child_at_work, child_told

#: The child gets the parent's import path, and nothing of its environment.
_START = (
    "import json, sys; sys.path[:] = json.loads(sys.argv.pop(1)); "
    "from shared.process_child import main; main()"
)
_MEBIBYTE = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Limits:
    """What one child may use. Address space and file size hold for each process below it too."""

    #: Bytes of address space; with `reserving` of memory that can be written to.
    memory: int = 1536 * _MEBIBYTE
    #: For programs that reserve addresses which they never use, as GraalVM does for its heap: 32 GiB.
    reserving: bool = False
    #: CPU seconds for one call, of the child itself and of each program that it starts.
    cpu_seconds: int = 60
    #: Bytes of any one file that it writes.
    file_size: int = 512 * _MEBIBYTE
    #: Seconds on the clock for one call.
    wall_seconds: float = 120.0
    #: Bytes of one answer.
    output: int = 16 * _MEBIBYTE

    def describe(self, limit: str) -> str:
        match limit:
            case "memory":
                return f"{self.memory // _MEBIBYTE} MiB of memory"
            case "cpu":
                return f"{self.cpu_seconds} s of CPU time"
            case "file_size":
                return f"{self.file_size // _MEBIBYTE} MiB for one file"
            case "wall":
                return f"{self.wall_seconds:g} s"
            case _:
                return f"{self.output // 1024} KiB of output"


class Children:
    """All children of one service process: at most `slots` of them work at the same time.

    A slot is taken for one call, first come, first served: a document of 500 pages and one of a single
    page take turns.
    """

    def __init__(self, slots: int, limits: Limits | None = None, *, nursery: Nursery | None = None) -> None:
        """Children are forked from `nursery`; without one each is started anew."""
        self.slots = slots
        self._nursery = nursery
        self._limits = limits or Limits()
        self._free = asyncio.Semaphore(slots)

    @property
    def busy(self) -> bool:
        """Whether another call would have to wait."""
        return self._free.locked()

    @asynccontextmanager
    async def open(
        self, target: str, arguments: dict[str, Any], *, folder: Path, limits: Limits | None = None
    ) -> AsyncIterator["Child"]:
        """A child that serves `target(**arguments)` and keeps its temporary files in `folder`; `limits` if
        other ones than usual hold for it.

        It is gone, with everything below it, when the block is left, however it is left.
        """
        async with self._free:
            child = await self._start(target, folder, limits or self._limits)
            try:
                await child.call_in_slot("open", arguments)
            except BaseException:
                await child.end()
                raise
        try:
            yield child
        finally:
            await child.end()

    async def _start(self, target: str, folder: Path, limits: Limits) -> "Child":
        if self._nursery is None:
            return await Child.start(target, limits, self._free, folder)
        orders = _orders(target, limits)
        try:
            process = await self._nursery.spawn(orders, folder)
        except NurseryGone:
            # Killed in this moment: once more, from the one that takes its place.
            process = await self._nursery.spawn(orders, folder)
        return Child(process, target, limits, self._free)


class Child:
    """One child process. Not for concurrent calls: one at a time."""

    def __init__(
        self,
        process: asyncio.subprocess.Process | NurseryChild,
        target: str,
        limits: Limits,
        free: asyncio.Semaphore,
    ) -> None:
        self._process = process
        self._target = target
        self._limits = limits
        self._free = free
        self._last_words = asyncio.create_task(self._drain_stderr())
        #: `none` or `reachable`: whether the kernel let us take the network away; known once it is open.
        self.network = "unknown"

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def alive(self) -> bool:
        return self._process.returncode is None

    @classmethod
    async def start(cls, target: str, limits: Limits, free: asyncio.Semaphore, folder: Path) -> "Child":
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-I",
            "-c",
            _START,
            # Absolute: the child works in another folder, and may not import from there.
            json.dumps([str(Path(entry).absolute()) for entry in sys.path]),
            json.dumps(_orders(target, limits)),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            cwd=folder,
            env={"PATH": os.defpath, "LANG": "C.UTF-8", "TMPDIR": str(folder)},
            start_new_session=True,
        )
        return cls(process, target, limits, free)

    async def call(self, method: str, **arguments: Any) -> Any:
        """What `method(**arguments)` returns in the child, as JSON data; bytes as they are.

        Waits for a slot. A cancelled call, a limit or a crash ends the child with everything below it.
        """
        async with self._free:
            return await self.call_in_slot(method, arguments)

    async def call_in_slot(self, method: str, arguments: dict[str, Any]) -> Any:
        with child_at_work(self._target, method, self.pid):
            return await self._call(method, arguments)

    async def _call(self, method: str, arguments: dict[str, Any]) -> Any:
        asked = time.time_ns()
        try:
            async with asyncio.timeout(self._limits.wall_seconds):
                answer = await self._exchange({"method": method, "arguments": arguments})
        except TimeoutError:
            await self.end()
            raise self._too_expensive("wall") from None
        except (asyncio.IncompleteReadError, ConnectionError):
            raise await self._explain_death() from None
        except BaseException:
            await self.end()
            raise
        child_told(self._target, method, answer.get("at_work"), (asked, time.time_ns()))
        if "value" in answer:
            if method == "open":
                self.network = answer["value"]["network"]
            return answer["value"]
        if refused := answer.get("refused"):
            raise TagwerkError(**refused)
        if limit := answer.get("exceeded"):
            raise self._too_expensive(limit)
        raise _crashed(answer["failed"])

    async def end(self) -> None:
        """Kill the child and everything below it, and wait until the child is gone."""
        with contextlib.suppress(ProcessLookupError):
            # The group outlives its leader: what a killed child had started is found by its id.
            os.killpg(self._process.pid, signal.SIGKILL)
        await self._process.wait()
        self._last_words.cancel()

    async def _exchange(self, request: dict[str, Any]) -> dict[str, Any]:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        data = json.dumps(request).encode()
        self._process.stdin.write(HEADER.pack(len(data)) + data)
        await self._process.stdin.drain()
        (length,) = HEADER.unpack(await self._process.stdout.readexactly(HEADER.size))
        if length > self._limits.output:
            raise self._too_expensive("output")
        answer: dict[str, Any] = json.loads(await self._process.stdout.readexactly(length))
        if (size := answer.get("bytes")) is not None:
            if size > self._limits.output:
                raise self._too_expensive("output")
            return {**answer, "value": await self._process.stdout.readexactly(size)}
        return answer

    async def _drain_stderr(self) -> bytes:
        """The last 2 kB that the child wrote to stderr; the rest is dropped so that it never blocks."""
        assert self._process.stderr is not None
        tail = b""
        while chunk := await self._process.stderr.read(65536):
            tail = (tail + chunk)[-2048:]
        return tail

    async def _explain_death(self) -> TagwerkError:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        status = await self._process.wait()
        words = (await self._last_words).decode(errors="replace").strip()
        if status == -signal.SIGXCPU:
            return self._too_expensive("cpu")
        if status == -signal.SIGXFSZ:
            return self._too_expensive("file_size")
        if "bad_alloc" in words or "out of memory" in words.lower():
            return self._too_expensive("memory")
        if status == -signal.SIGKILL:
            return TagwerkError(
                "input_crashed_reader",
                "the reading process was killed from outside: by somebody, or by the system short of memory",
                next_step="Look for `Out of memory` in the system log; if the machine is short of memory, "
                "give it more. Then rerun.",
                retryable=True,
            )
        ending = f"signal {signal.Signals(-status).name}" if status < 0 else f"exit status {status}"
        last_line = words.splitlines()[-1] if words else ""
        return _crashed(f"the reading process ended with {ending}{f': {last_line}' if last_line else ''}")

    def _too_expensive(self, limit: str) -> TagwerkError:
        return TagwerkError(
            "input_too_expensive",
            f"reading it needs more than {self._limits.describe(limit)}, the limit for one piece of work",
            next_step="Split the file, or save it at a lower resolution, and upload that.",
        )


def _orders(target: str, limits: Limits) -> dict[str, Any]:
    return {"parent": os.getpid(), "target": target, "limits": asdict(limits)}


def _crashed(cause: str) -> TagwerkError:
    return TagwerkError(
        "input_crashed_reader",
        cause,
        next_step="Print the file to a new PDF and upload that; keep this one and report it, "
        "a reader should refuse and not crash.",
    )
