"""The nursery's side of `shared.nursery`: import once what reading takes, then fork a child a document.

It opens no document itself, and starts no thread: what is forked is as clean as a process that was started.
"""

import array
import contextlib
import gc
import importlib
import json
import os
import select
import signal
import socket
import sys
from typing import Any, Final, NoReturn

from shared.process_child import HEADER, die_with_parent, serve

#: Bytes of one order.
_ORDER_LIMIT: Final = 256 * 1024


def main() -> None:
    """Fork on demand until the other side closes the socket, whose number is the first argument."""
    control = socket.socket(fileno=int(sys.argv[1]))
    orders = json.loads(sys.argv[2])
    die_with_parent(orders["parent"])
    for module in orders["preload"]:
        importlib.import_module(module)
    # What is here stays: no collection in a child touches, and so copies, its pages.
    gc.collect()
    gc.freeze()
    woken, wake = os.pipe()
    os.set_blocking(wake, False)
    os.set_blocking(woken, False)
    signal.signal(signal.SIGCHLD, lambda number, frame: None)
    signal.set_wakeup_fd(wake, warn_on_full_buffer=False)
    _tell(control, {"ready": os.getpid()})
    sources: list[Any] = [control, woken]
    while True:
        ready, _, _ = select.select(sources, [], [])
        if woken in ready:
            with contextlib.suppress(BlockingIOError):
                os.read(woken, 4096)
            _tell_of_the_dead(control)
        if control in ready:
            order, descriptors = next_order(control)
            if order is None:
                return
            _fork(control, order, descriptors, (woken, wake))


def _tell_of_the_dead(control: socket.socket) -> None:
    while True:
        try:
            pid, status = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return
        if pid == 0:
            return
        _tell(control, {"ended": pid, "status": os.waitstatus_to_exitcode(status)})


def next_order(control: socket.socket) -> tuple[dict[str, Any] | None, list[int]]:
    """An order with the descriptors of the child's two ends: frames, and stderr. None if whoever gives orders
    is gone."""
    numbers = array.array("i")
    try:
        head, ancillary, _, _ = control.recvmsg(HEADER.size, socket.CMSG_LEN(2 * numbers.itemsize))
    except ConnectionResetError:
        # It died with an answer unread.
        return None, []
    for level, kind, data in ancillary:
        if level == socket.SOL_SOCKET and kind == socket.SCM_RIGHTS:
            numbers.frombytes(data[: len(data) - len(data) % numbers.itemsize])
    if len(head) < HEADER.size:
        return None, []
    (length,) = HEADER.unpack(head)
    data = b""
    while len(data) < min(length, _ORDER_LIMIT):
        data += control.recv(length - len(data))
    return json.loads(data), list(numbers)


def _fork(
    control: socket.socket, order: dict[str, Any], descriptors: list[int], pipe: tuple[int, int]
) -> None:
    nursery = os.getpid()
    pid = os.fork()
    if pid == 0:
        _become_child(control, order, descriptors, pipe, nursery)
    for descriptor in descriptors:
        os.close(descriptor)
    _tell(control, {"born": order["number"], "pid": pid})


def _become_child(
    control: socket.socket, order: dict[str, Any], descriptors: list[int], pipe: tuple[int, int], nursery: int
) -> NoReturn:
    """In the new process: nothing of the nursery's is left open, then it serves like any other child."""
    status = 1
    try:
        os.setsid()
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        frames, errors = descriptors
        for target, source in ((0, frames), (1, frames), (2, errors)):
            os.dup2(source, target)
        for descriptor in (*descriptors, *pipe, control.detach()):
            os.close(descriptor)
        os.chdir(order["folder"])
        os.environ["TMPDIR"] = order["folder"]
        serve({**order["orders"], "parent": nursery})
        status = 0
    finally:
        # Without the end of the nursery: its buffers and exit handlers are none of the child's.
        os._exit(status)


def _tell(control: socket.socket, message: dict[str, Any]) -> None:
    data = json.dumps(message).encode()
    with contextlib.suppress(BrokenPipeError, ConnectionResetError):
        control.sendall(HEADER.pack(len(data)) + data)
