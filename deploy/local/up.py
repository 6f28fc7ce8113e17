"""`tagwerk up`: the stack in the foreground, until Ctrl-C, SIGTERM, or the end of its parent."""

import asyncio
import contextlib
import signal
import time

from rich.console import Console

from deploy.local.children import die_with_parent
from deploy.local.config import StackConfig
from deploy.local.display import Display
from deploy.local.stack import LocalStack


def run_stack(config: StackConfig, *, quiet: bool = False) -> int:
    """Bring the stack up and keep it up; returns 0 when it was asked to stop.

    Raises `TagwerkError` when it cannot be brought up.
    """
    if not die_with_parent(signal.SIGTERM):
        return 0
    return asyncio.run(_run(config, Display(Console(), quiet=quiet)))


async def _run(config: StackConfig, display: Display) -> int:
    began = time.monotonic()
    stack = LocalStack(config, display)
    stop = asyncio.Event()
    _on_signals(stack, stop)
    display.starts(stack)
    starting = asyncio.create_task(_start(stack, display, began))
    stopping = asyncio.create_task(stop.wait())
    await asyncio.wait({starting, stopping}, return_when=asyncio.FIRST_COMPLETED)
    if not stop.is_set():
        starting.result()
        await stopping
    display.stops()
    starting.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await starting
    await stack.stop()
    display.say("Stopped.")
    return 0


async def _start(stack: LocalStack, display: Display, began: float) -> None:
    await stack.start()
    for process in stack.processes.values():
        # However long it takes: one that cannot start says why, and is tried again.
        await process.ready.wait()
    display.is_ready(stack, time.monotonic() - began)


def _on_signals(stack: LocalStack, stop: asyncio.Event) -> None:
    def ask_to_stop() -> None:
        if stop.is_set():
            stack.stop_at_once()
        stop.set()

    for wanted in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        asyncio.get_running_loop().add_signal_handler(wanted, ask_to_stop)
