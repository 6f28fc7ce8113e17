"""Children that are forked from a process which has imported everything already, instead of started anew.

A Python process that reads documents takes some tenths of a second of CPU time for its imports. The nursery
pays them once; a child forked from it starts in milliseconds and is as isolated as any: one document each,
own limits, own process group, no network (`docs/adr/`, "Children are forked from a nursery").
"""

import asyncio
import contextlib
import itertools
import json
import os
import signal
import socket
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import structlog

from shared.process_child import HEADER

log = structlog.get_logger(__name__)

_START = (
    "import json, sys; sys.path[:] = json.loads(sys.argv.pop(1)); "
    "from shared.nursery_child import main; main()"
)


class NurseryGone(ConnectionError):
    """The nursery ended while a child was asked of it."""


class NurseryChild:
    """One forked process, as `asyncio.subprocess.Process` shows a started one."""

    def __init__(
        self,
        pid: int,
        stdin: asyncio.StreamWriter,
        stdout: asyncio.StreamReader,
        stderr: asyncio.StreamReader,
    ) -> None:
        self.pid = pid
        self.stdin = stdin
        self.stdout = stdout
        self.stderr = stderr
        self.returncode: int | None = None
        self._ended = asyncio.Event()

    async def wait(self) -> int:
        await self._ended.wait()
        assert self.returncode is not None
        return self.returncode

    def end_with(self, status: int) -> None:
        self.returncode = status
        self._ended.set()
        self.stdin.close()


class Nursery:
    """The one process that children are forked from. Started when it is needed, and again if it died."""

    def __init__(self, preload: Sequence[str]) -> None:
        #: Modules that it imports.
        self._preload = list(preload)
        self._process: asyncio.subprocess.Process | None = None
        self._control: socket.socket | None = None
        self._starting = asyncio.Lock()
        self._listening: asyncio.Task[None] | None = None
        self._numbers = itertools.count(1)
        self._expected: dict[int, asyncio.Future[int]] = {}
        self._children: dict[int, NurseryChild] = {}
        #: Of children that ended before they were known here.
        self._ended_early: dict[int, int] = {}

    @property
    def pid(self) -> int | None:
        return self._process.pid if self._process is not None else None

    async def start(self) -> None:
        """Have it ready: the first document then waits for no import."""
        async with self._starting:
            if self._control is None:
                await self._start()

    async def keep(self) -> None:
        """Have it ready until cancelled."""
        try:
            await self.start()
            await asyncio.Event().wait()
        finally:
            await self.stop()

    async def spawn(self, orders: dict[str, Any], folder: Path) -> NurseryChild:
        """A new child that serves `orders` in `folder`. Raises `NurseryGone`."""
        await self.start()
        ours, theirs = socket.socketpair()
        errors_read, errors_write = os.pipe()
        number = next(self._numbers)
        born: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        self._expected[number] = born
        try:
            with theirs:
                self._order({"number": number, "orders": orders, "folder": str(folder)}, theirs, errors_write)
            pid = await born
        except BaseException:
            ours.close()
            os.close(errors_read)
            raise
        finally:
            os.close(errors_write)
            self._expected.pop(number, None)
        stdout, stdin = await asyncio.open_unix_connection(sock=ours)
        child = NurseryChild(pid, stdin, stdout, await _reader_of(errors_read))
        self._children[pid] = child
        if pid in self._ended_early:
            self._end_child(pid, self._ended_early.pop(pid))
        return child

    async def stop(self) -> None:
        """End it with all children that are left."""
        if self._process is None:
            return
        with contextlib.suppress(ProcessLookupError):
            self._process.kill()
        await self._process.wait()
        if self._listening is not None:
            await asyncio.gather(self._listening, return_exceptions=True)

    async def _start(self) -> None:
        ours, theirs = socket.socketpair()
        with theirs:
            self._process = await asyncio.create_subprocess_exec(
                sys.executable,
                "-I",
                "-c",
                _START,
                # Absolute: a child works in another folder, and may not import from there.
                json.dumps([str(Path(entry).absolute()) for entry in sys.path]),
                str(theirs.fileno()),
                json.dumps({"parent": os.getpid(), "preload": self._preload}),
                stdin=asyncio.subprocess.DEVNULL,
                pass_fds=[theirs.fileno()],
                cwd="/",
                env={"PATH": os.defpath, "LANG": "C.UTF-8"},
                start_new_session=True,
            )
        # Orders are sent beside the stream, which only reads: descriptors go with them.
        reader, writer = await asyncio.open_unix_connection(sock=ours.dup())
        self._control = ours
        if await _frame(reader) is None:
            self._control = None
            ours.close()
            writer.close()
            raise NurseryGone("the process that children are forked from did not start")
        self._listening = asyncio.create_task(self._listen(reader, writer))

    def _order(self, order: dict[str, Any], theirs: socket.socket, errors: int) -> None:
        if self._control is None:
            raise NurseryGone("the process that children are forked from is gone")
        data = json.dumps(order).encode()
        try:
            # The descriptors go with the header, which is read by itself.
            socket.send_fds(self._control, [HEADER.pack(len(data))], [theirs.fileno(), errors])
            self._control.sendall(data)
        except OSError as error:
            raise NurseryGone(f"the process that children are forked from is gone: {error}") from error

    async def _listen(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Hear who was born and who ended; at its own end everybody ends, for they die with it."""
        while (message := await _frame(reader)) is not None:
            if "born" in message:
                born = self._expected.get(message["born"])
                if born is not None and not born.done():
                    born.set_result(message["pid"])
                else:
                    # Nobody waits any more.
                    with contextlib.suppress(ProcessLookupError):
                        os.kill(message["pid"], signal.SIGKILL)
            elif "ended" in message:
                self._end_child(message["ended"], message["status"])
        writer.close()
        control, self._control = self._control, None
        if control is not None:
            control.close()
        for born in self._expected.values():
            if not born.done():
                born.set_exception(NurseryGone("the process that children are forked from ended"))
        for pid in list(self._children):
            self._end_child(pid, -signal.SIGKILL)
        self._ended_early.clear()
        log.debug("the nursery ended; the next document starts another one")

    def _end_child(self, pid: int, status: int) -> None:
        child = self._children.pop(pid, None)
        if child is None:
            self._ended_early[pid] = status
        else:
            child.end_with(status)


async def _frame(reader: asyncio.StreamReader) -> dict[str, Any] | None:
    try:
        (length,) = HEADER.unpack(await reader.readexactly(HEADER.size))
        message: dict[str, Any] = json.loads(await reader.readexactly(length))
    except (asyncio.IncompleteReadError, ConnectionError):
        return None
    return message


async def _reader_of(descriptor: int) -> asyncio.StreamReader:
    """What comes out of a pipe."""
    reader = asyncio.StreamReader()
    pipe = os.fdopen(descriptor, "rb", 0)
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), pipe)
    return reader
