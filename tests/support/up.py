"""A stack in a process of its own, as `make up` runs it, with services that do no work.

`python -m tests.support.up STATE [--under-parent]`; with the option it runs below one more process.
"""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import psutil
import rich

from deploy.local.children import Account
from deploy.local.config import StackConfig
from deploy.local.up import run_stack
from shared.errors import TagwerkError

STUB: Final = "tests.support.stub_service"
SERVICES: Final = {"gateway": STUB, "documents": STUB}
ROOT: Final = Path(__file__).parents[2]


class Up:
    """The running command: its output, its processes, its end."""

    def __init__(
        self, state: Path, *options: str, python: str = sys.executable, account: Account | None = None
    ) -> None:
        self.state = state
        identity: dict[str, Any] = (
            {"user": account.uid, "group": account.gid, "extra_groups": []} if account is not None else {}
        )
        self.process = subprocess.Popen(
            [python, "-m", "tests.support.up", str(state), *options],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, cwd=ROOT,
            env={**os.environ, "PYTHONPATH": str(Path(rich.__file__).parents[1]), "HOME": str(state.parent)},
            **identity,
        )  # fmt: skip
        self.lines: list[str] = []
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    @property
    def output(self) -> str:
        return "\n".join(self.lines)

    def wait_for(self, words: str, timeout: float = 30.0) -> "Up":
        """Wait until the command prints `words`."""
        self._wait(lambda: words in self.output, f"{words!r} was not printed")
        return self

    def family(self) -> list[psutil.Process]:
        """Every process that the command started, at any depth."""
        return psutil.Process(self.process.pid).children(recursive=True)

    def child(self, command: str) -> psutil.Process:
        """The one process whose program is named `command`."""
        return next(child for child in self.family() if Path(child.cmdline()[0]).name == command)

    def end(self, how: signal.Signals = signal.SIGINT, timeout: float = 30.0) -> int:
        """Send a signal and wait for the end; gives the exit code."""
        if self.process.poll() is None:
            self.process.send_signal(how)
        code = self.process.wait(timeout)
        self._reader.join(timeout=5)
        return code

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.lines.append(line.rstrip("\n"))

    def _wait(self, condition: Callable[[], bool], what: str, timeout: float = 30.0) -> None:
        end = time.monotonic() + timeout
        while not condition():
            if time.monotonic() > end or (self.process.poll() is not None and not self._reader.is_alive()):
                raise AssertionError(f"{what}; the output was:\n{self.output}")
            time.sleep(0.02)


def gone(processes: list[psutil.Process], timeout: float = 10.0) -> bool:
    """Whether all of these end within `timeout` seconds."""
    _, alive = psutil.wait_procs(processes, timeout=timeout)
    return not [process for process in alive if process.status() != psutil.STATUS_ZOMBIE]


def main() -> None:
    state, *options = sys.argv[1:]
    if "--under-parent" in options:
        child = subprocess.Popen([sys.executable, "-m", "tests.support.up", state])
        sys.exit(child.wait())
    try:
        sys.exit(run_stack(StackConfig(state=Path(state), services=SERVICES)))
    except TagwerkError as error:
        sys.exit(f"{error.failure.code}: {error.failure.cause}")


if __name__ == "__main__":
    os.chdir(ROOT)
    main()
