"""The child's side of `shared.process`: give up rights, take limits, then serve calls until the pipe ends.

Kept free of asyncio and pydantic: every document pays for the imports of its child (pydantic alone costs
0.1 s). Errors therefore are plain exceptions here and become `TagwerkError` in the parent.
"""

import ctypes
import errno
import importlib
import json
import os
import resource
import signal
import struct
import sys
import time
import traceback
from pathlib import Path
from typing import Any, BinaryIO, Final

#: Frames in both directions: this header, then that many bytes of JSON. An answer that is bytes stands as
#: it is behind a frame that tells their number.
HEADER: Final = struct.Struct(">I")

_CLONE_NEWUSER: Final = 0x10000000
_CLONE_NEWNET: Final = 0x40000000
_PR_SET_PDEATHSIG: Final = 1
_PR_SET_NO_NEW_PRIVS: Final = 38


class Refused(Exception):
    """The input is at fault, and we know how. Crosses the pipe and becomes a `TagwerkError`."""

    def __init__(self, code: str, cause: str, next_step: str, *, retryable: bool = False) -> None:
        super().__init__(cause)
        self.code = code
        self.next_step = next_step
        self.retryable = retryable

    def describe(self) -> dict[str, Any]:
        return {
            "code": self.code,
            "cause": str(self),
            "next_step": self.next_step,
            "retryable": self.retryable,
        }


class LimitExceeded(Exception):
    """Work ran into a limit: `memory`, `cpu` or `file_size`."""

    def __init__(self, limit: str) -> None:
        super().__init__(limit)
        self.limit = limit


def main() -> None:
    """Serve calls. The first argument is the JSON that `shared.process` wrote."""
    serve(json.loads(sys.argv[1]))


def serve(orders: dict[str, Any]) -> None:
    """Give up rights, take limits, then serve calls until the pipe ends; the pipes are 0 and 1."""
    calls = os.fdopen(os.dup(0), "rb")
    answers = os.fdopen(os.dup(1), "wb")
    # Whatever a library or a program below prints must not get between the frames.
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.dup2(2, 1)
    network = "none" if _leave_network() else "reachable"
    die_with_parent(orders["parent"])
    ctypes.CDLL(None).prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    limits = orders["limits"]
    _take_limits(limits)
    served: Any = None
    while (request := _read_frame(calls)) is not None:
        _allow_cpu(limits["cpu_seconds"])
        began = time.time_ns()
        answer: dict[str, Any]
        try:
            if request["method"] == "open":
                module, _, name = orders["target"].partition(":")
                served = getattr(importlib.import_module(module), name)(**request["arguments"])
                answer = {"value": {"network": network}}
            else:
                answer = {"value": getattr(served, request["method"])(**request["arguments"])}
        except Exception as error:
            answer = _describe(error)
        answer["at_work"] = [began, time.time_ns()]
        _write_frame(answers, answer, limits["output"])


def die_with_parent(parent: int) -> None:
    """Have the kernel kill this process when its parent, process `parent`, is gone."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != parent:  # it died before we asked
        os._exit(1)


def _leave_network() -> bool:
    """Move into an empty network namespace; False where the kernel does not let us."""
    libc = ctypes.CDLL(None)
    user, group = os.getuid(), os.getgid()
    if libc.unshare(_CLONE_NEWNET) == 0:
        return True
    if libc.unshare(_CLONE_NEWUSER | _CLONE_NEWNET) != 0:
        return False
    try:
        Path("/proc/self/setgroups").write_text("deny")
        Path("/proc/self/uid_map").write_text(f"{user} {user} 1")
        Path("/proc/self/gid_map").write_text(f"{group} {group} 1")
    except OSError:
        pass  # without the mapping we only look like nobody; files still open by the real user
    return True


def _take_limits(limits: dict[str, Any]) -> None:
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    memory = resource.RLIMIT_DATA if limits["reserving"] else resource.RLIMIT_AS
    resource.setrlimit(memory, (limits["memory"], limits["memory"]))
    resource.setrlimit(resource.RLIMIT_FSIZE, (limits["file_size"], limits["file_size"]))
    # The event loops of the services go first: a heartbeat that comes late costs an attempt.
    os.nice(5)


def _allow_cpu(seconds: int) -> None:
    """Give the next call its CPU seconds. Programs started below get as many again, counted from zero."""
    usage = resource.getrusage(resource.RUSAGE_SELF)
    used = int(usage.ru_utime + usage.ru_stime)
    _, hard = resource.getrlimit(resource.RLIMIT_CPU)
    resource.setrlimit(resource.RLIMIT_CPU, (used + seconds + 1, hard))


def _describe(error: Exception) -> dict[str, Any]:
    match error:
        case Refused():
            return {"refused": error.describe()}
        case LimitExceeded():
            return {"exceeded": error.limit}
        case MemoryError():
            return {"exceeded": "memory"}
        case OSError(errno=errno.EFBIG):  # Python ignores SIGXFSZ
            return {"exceeded": "file_size"}
        case OSError(errno=errno.ENOSPC | errno.EDQUOT):
            step = "Free space on the disk of the service's temporary folder; Tagwerk tries again by itself."
            return {"refused": Refused("disk_full", str(error), step, retryable=True).describe()}
    frame = traceback.extract_tb(error.__traceback__)[-1]
    place = f"{'/'.join(Path(frame.filename).parts[-3:])}:{frame.lineno}"
    return {"failed": f"{type(error).__name__}: {error} (at {place})"}


def _read_frame(stream: BinaryIO) -> dict[str, Any] | None:
    header = stream.read(HEADER.size)
    if len(header) < HEADER.size:
        return None
    frame: dict[str, Any] = json.loads(stream.read(HEADER.unpack(header)[0]))
    return frame


def _write_frame(stream: BinaryIO, answer: dict[str, Any], limit: int) -> None:
    plain = b""
    if isinstance(value := answer.get("value"), bytes):
        answer, plain = {**answer, "bytes": len(value)}, value
        del answer["value"]
    data = json.dumps(answer).encode()
    if len(data) + len(plain) > limit:
        data, plain = json.dumps({"exceeded": "output"}).encode(), b""
    stream.write(HEADER.pack(len(data)) + data)
    stream.write(plain)
    stream.flush()
