"""Services as processes that are there at once: forked from one that has everything imported.

`python -m tests.support.nursery MODULE…` imports the modules, then obeys: a line of JSON on its input
forks a process that runs what the line says, as a Python started anew would. It answers each birth with
`{"born": pid}`, and tells of each end with `{"ended": pid, "status": code}`. All of them die with it.
"""

import asyncio
import contextlib
import gc
import importlib
import json
import os
import runpy
import select
import signal
import subprocess
import sys
import tempfile
import threading
import traceback
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from shared.process_child import die_with_parent
from shared.settings import Settings
from tests.support.faults.points import Killing, Recording, Watch, instrument

T = TypeVar("T")

#: Imported once for all: whatever the services of an installation consist of.
SERVICES = {
    "gateway": "services.gateway",
    "scheduler": "services.scheduler",
    "documents": "services.documents",
    "integrations": "services.integrations",
    "reporting": "services.reporting",
    "mqtt_bridge": "services.mqtt_bridge",
    "status": "services.status",
    "audit": "services.audit",
    "lab": "tests.support.lab",
}


@dataclass(frozen=True)
class Newborn:
    """A process of a service, as the one who had it started sees it."""

    pid: int
    #: Its exit status once it has ended; negative for a signal.
    ended: "asyncio.Future[int]"

    def send(self, signal_: signal.Signals) -> None:
        if not self.ended.done():
            os.kill(self.pid, signal_)

    async def end(self, how: signal.Signals = signal.SIGKILL) -> int:
        """Have it end; its exit status."""
        self.send(how)
        return await self.wait()

    async def wait(self) -> int:
        """Its exit status, once it has ended by itself; within a minute."""
        return await asyncio.wait_for(asyncio.shield(self.ended), 60)


def environment_of(settings: Settings) -> dict[str, str]:
    """What a service reads these settings from."""
    values = settings.model_dump(mode="json", exclude_none=True)
    return {f"TAGWERK_{name.upper()}": str(value) for name, value in values.items()}


class Nursery:
    """Starts services, for tests of any event loop. It is itself started with the first of them."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None
        #: Who waits for a birth, in the order of the orders.
        self._expecting: deque[asyncio.Future[Newborn]] = deque()
        self._alive: dict[int, asyncio.Future[int]] = {}
        self._listener = threading.Thread(target=self._listen, daemon=True)

    def close(self) -> None:
        """End it and everything that it started."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._listener.join()

    async def start(self, service: str, environment: dict[str, str], watch: Watch | None = None) -> Newborn:
        """A process of the service, with a kill or a record of its points."""
        return await self.run(["-m", SERVICES[service]], environment, watch)

    async def run(
        self, arguments: Sequence[str], environment: dict[str, str], watch: Watch | None = None
    ) -> Newborn:
        """A process with these arguments of Python: `-m`, a module and its own, or `-c` and a program."""
        order: dict[str, Any] = {"arguments": list(arguments), "environment": environment}
        match watch:
            case Recording(path):
                order["record"] = str(path)
            case Killing(name, number, side):
                order["kill"] = [name, number, side]
        born: asyncio.Future[Newborn] = asyncio.get_running_loop().create_future()
        self._expecting.append(born)
        self._tell(order)
        return await asyncio.wait_for(born, 60)

    def _tell(self, order: dict[str, Any]) -> None:
        if self._process is None:
            command = [sys.executable, "-m", "tests.support.nursery", *SERVICES.values()]
            self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
            self._listener.start()
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(order).encode() + b"\n")
        self._process.stdin.flush()

    def _listen(self) -> None:
        assert self._process is not None
        assert self._process.stdout is not None
        for line in self._process.stdout:
            told = json.loads(line)
            if "born" in told:
                born = self._expecting.popleft()
                loop = born.get_loop()
                ended = self._alive[told["born"]] = loop.create_future()
                _resolve(born, Newborn(told["born"], ended))
            else:
                _resolve(self._alive.pop(told["ended"]), told["status"])


def _resolve(future: "asyncio.Future[T]", result: T) -> None:
    """From another thread; whoever waited may be gone, with the loop."""

    def resolve() -> None:
        if not future.done():
            future.set_result(result)

    with contextlib.suppress(RuntimeError):
        future.get_loop().call_soon_threadsafe(resolve)


def main(modules: list[str]) -> None:
    for module in modules:
        importlib.import_module(f"{module}.app")
    # What is there now stays shared with all that are born.
    gc.freeze()
    ended, wake = os.pipe()
    os.set_blocking(wake, False)
    signal.set_wakeup_fd(wake)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    orders = b""
    while True:
        ready, _, _ = select.select([0, ended], [], [])
        if ended in ready:
            os.read(ended, 4096)
            _tell_ends()
        if 0 in ready:
            chunk = os.read(0, 65536)
            if not chunk:
                return
            *lines, orders = (orders + chunk).split(b"\n")
            for line in lines:
                _tell(born=_give_birth(json.loads(line)))


def _tell(**words: int) -> None:
    os.write(1, json.dumps(words).encode() + b"\n")


def _tell_ends() -> None:
    while True:
        try:
            pid, status = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return
        if pid == 0:
            return
        _tell(ended=pid, status=os.waitstatus_to_exitcode(status))


def _give_birth(order: dict[str, Any]) -> int:
    parent = os.getpid()
    pid = os.fork()
    if pid:
        return pid
    status = 1
    try:
        die_with_parent(parent)
        _become(order)
        status = 0
    except SystemExit as end:
        status = end.code if isinstance(end.code, int) else 1
    except BaseException:
        traceback.print_exc()
    finally:
        os._exit(status)


def _become(order: dict[str, Any]) -> None:
    """The service, in a process that has nothing of the nursery any more but its imports."""
    signal.set_wakeup_fd(-1)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.dup2(2, 1)
    os.environ.update(order["environment"])
    tempfile.tempdir = None
    if "record" in order:
        instrument(Recording(Path(order["record"])))
    elif "kill" in order:
        instrument(Killing(*order["kill"]))
    flag, what, *arguments = order["arguments"]
    if flag == "-c":
        sys.argv = ["-c", *arguments]
        exec(what, {"__name__": "__main__"})
    else:
        sys.argv = [what, *arguments]
        runpy.run_module(what, run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main(sys.argv[1:])
