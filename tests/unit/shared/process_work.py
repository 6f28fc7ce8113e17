"""What the children of `test_process.py` serve: every way in which work can go wrong."""

import ctypes
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from shared.process_child import Refused


class Work:
    def __init__(self, **facts: Any) -> None:
        self.facts = facts

    def echo(self, value: Any) -> Any:
        return {"value": value, "facts": self.facts}

    def sleep(self, seconds: float) -> list[float]:
        began = time.monotonic()
        time.sleep(seconds)
        return [began, time.monotonic()]

    def spin(self) -> None:
        while True:
            pass

    def allocate(self, mebibytes: int) -> int:
        return len(bytearray(mebibytes * 1024 * 1024))

    def write(self, size: int) -> None:
        Path("large").write_bytes(bytes(size))

    def answer_of(self, size: int) -> str:
        return "x" * size

    def bytes_of(self, size: int) -> bytes:
        return bytes(range(256)) * (size // 256)

    def refuse(self) -> None:
        raise Refused("page_unreadable", "the page is empty", "Scan it again.")

    def stumble(self) -> None:
        raise KeyError("nobody foresaw this")

    def crash(self) -> None:
        ctypes.string_at(0)

    def print_and_answer(self) -> str:
        print("this is not a frame")
        os.write(1, b"nor is this")
        subprocess.run([sys.executable, "-c", "print('nor that')"], check=True)
        return "answer"

    def pids(self) -> dict[str, int]:
        """Start a program that would run for ever; the child's pid and the program's."""
        program = subprocess.Popen(["sleep", "1000"])
        return {"child": os.getpid(), "program": program.pid}

    def kill_myself(self) -> None:
        os.kill(os.getpid(), signal.SIGKILL)

    def connect(self, port: int) -> str:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=2).close()
        except OSError as error:
            return type(error).__name__
        return "connected"

    def surroundings(self) -> dict[str, Any]:
        heavy = [name for name in ("pydantic", "asyncio", "asyncpg", "nats") if name in sys.modules]
        return {"environment": dict(os.environ), "folder": str(Path.cwd()), "heavy_imports": heavy}
