"""One child process that is kept alive: started, watched until ready, its output read, started again."""

import asyncio
import contextlib
import os
import signal
from collections import deque
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Protocol

from deploy.local.children import Account, child_options

#: Seconds before a process that died is started again; doubled each time, up to the last.
FIRST_DELAY: Final = 0.5
LAST_DELAY: Final = 10.0
#: Seconds of life after which the next death counts as the first.
RESET_AFTER: Final = 30.0

_READY_POLL: Final = 0.05
_CHUNK: Final = 64 * 1024
#: Longer lines are cut: a log line is for people.
_LONGEST_LINE: Final = 16 * 1024


class Watcher(Protocol):
    """Who is told what happens to the processes. Its methods must not block."""

    def said(self, process: str, line: str) -> None:
        """One line of output."""

    def became_ready(self, process: str, seconds: float) -> None: ...

    def died(self, process: str, how: str, delay: float) -> None:
        """It ended unasked (`how` in words) and is started again after `delay` seconds."""


@dataclass(frozen=True, slots=True)
class ProcessPlan:
    """How to run one process."""

    name: str
    #: Gives the command line; called anew for each start.
    command: Callable[[], list[str]]
    environment: Mapping[str, str]
    #: Whether the process with this id serves by now.
    is_ready: Callable[[int], Awaitable[bool]]
    folder: Path
    #: Asks it to end by itself.
    stop_signal: signal.Signals = signal.SIGTERM
    #: What it is sent when the supervisor dies.
    death_signal: signal.Signals = signal.SIGKILL
    #: Seconds that it has to end by itself.
    drain: float = 15.0
    account: Account | None = None
    #: Open files that it inherits; the state folder's lock, so that it is held until the last child ends.
    inherited: tuple[int, ...] = ()


@dataclass(slots=True)
class Supervised:
    """Keeps one process alive from `start` to `stop`."""

    plan: ProcessPlan
    watcher: Watcher
    #: Set while the process serves.
    ready: asyncio.Event = field(default_factory=asyncio.Event)
    #: Times that it was started again.
    restarts: int = 0
    #: The last lines that it said.
    last_lines: deque[str] = field(default_factory=lambda: deque(maxlen=20))
    _process: asyncio.subprocess.Process | None = None
    _life: asyncio.Task[None] | None = None
    _stopping: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def pid(self) -> int | None:
        """Process id, or None between a death and the next start."""
        return self._process.pid if self._process and self._process.returncode is None else None

    def start(self) -> None:
        self._life = asyncio.create_task(self._live(), name=f"supervise {self.plan.name}")

    async def stop(self) -> None:
        """Ask it to end, and end it after `plan.drain` seconds."""
        self._stopping.set()
        if self._life is None:
            return
        self.send(self.plan.stop_signal)
        try:
            async with asyncio.timeout(self.plan.drain):
                await asyncio.shield(self._life)
        except TimeoutError:
            self.send(signal.SIGKILL)
            await self._life

    def send(self, what: signal.Signals) -> None:
        """Send the process a signal, if there is one."""
        if self._process is not None and self._process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                self._process.send_signal(what)

    async def _live(self) -> None:
        clock = asyncio.get_running_loop().time
        delay = FIRST_DELAY
        while True:
            started = clock()
            how = await self._live_once()
            if self._stopping.is_set():
                return
            if clock() - started >= RESET_AFTER:
                delay = FIRST_DELAY
            self.watcher.died(self.plan.name, how, delay)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(delay):
                    await self._stopping.wait()
            if self._stopping.is_set():
                return
            delay = min(delay * 2, LAST_DELAY)
            self.restarts += 1

    async def _live_once(self) -> str:
        """Start the process and wait for its end; says in words how it ended."""
        read_end, write_end = os.pipe()
        try:
            process = self._process = await asyncio.create_subprocess_exec(
                *self.plan.command(),
                stdin=asyncio.subprocess.DEVNULL, stdout=write_end, stderr=write_end,
                env=dict(self.plan.environment), cwd=self.plan.folder, pass_fds=self.plan.inherited,
                **child_options(self.plan.death_signal, self.plan.account),
            )  # fmt: skip
        except OSError as error:
            os.close(read_end)
            return f"it could not be started: {error}"
        finally:
            os.close(write_end)
        self.last_lines.clear()
        if self._stopping.is_set():
            # `stop` came while there was no process yet to send the signal to.
            self.send(self.plan.stop_signal)
        listening = asyncio.create_task(self._listen(read_end))
        watching = asyncio.create_task(self._watch_until_ready(process.pid))
        code = await process.wait()
        self.ready.clear()
        watching.cancel()
        # Grandchildren may hold the pipe open for long; what the process itself said is there by now.
        await asyncio.wait({listening}, timeout=0.5)
        listening.cancel()
        await asyncio.gather(listening, watching, return_exceptions=True)
        _end_group(process.pid)
        if code > 0 and self.last_lines:
            return f"{_describe(code)} ({self.last_lines[-1]})"
        return _describe(code)

    async def _watch_until_ready(self, pid: int) -> None:
        clock = asyncio.get_running_loop().time
        started = clock()
        # Another process cannot set an event for us: ask again and again.
        while not await self.plan.is_ready(pid):  # noqa: ASYNC110
            await asyncio.sleep(_READY_POLL)
        self.ready.set()
        self.watcher.became_ready(self.plan.name, clock() - started)

    async def _listen(self, read_end: int) -> None:
        reader = asyncio.StreamReader()
        transport, _ = await asyncio.get_running_loop().connect_read_pipe(
            lambda: asyncio.StreamReaderProtocol(reader), os.fdopen(read_end, "rb", buffering=0)
        )
        rest = b""
        try:
            while chunk := await reader.read(_CHUNK):
                *lines, rest = (rest + chunk).split(b"\n")
                if len(rest) > _LONGEST_LINE:
                    lines.append(rest)
                    rest = b""
                for line in lines:
                    self._hear(line)
            if rest:
                self._hear(rest)
        finally:
            transport.close()

    def _hear(self, line: bytes) -> None:
        text = line[:_LONGEST_LINE].decode(errors="replace").rstrip()
        if text:
            self.last_lines.append(text)
            self.watcher.said(self.plan.name, text)


def _end_group(pid: int) -> None:
    """End what the process left behind in its group (it leads a session of its own)."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, signal.SIGKILL)


def _describe(code: int) -> str:
    if code >= 0:
        return f"it ended with exit code {code}"
    try:
        return f"it was ended by {signal.Signals(-code).name}"
    except ValueError:
        return f"it was ended by signal {-code}"
