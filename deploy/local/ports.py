"""Free TCP ports of the loopback interface."""

import random
import socket
from collections.abc import Collection
from typing import Final

from shared.errors import TagwerkError

LOOPBACK: Final = "127.0.0.1"
#: Below the range from which Linux takes the source ports of outgoing connections (32768 and up), so that
#: no such connection sits on a port that a stack remembers.
RANGE: Final = range(20_000, 32_000)


def is_free(port: int) -> bool:
    """Whether a server can listen on this port now."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError:
            return False
    return True


def free_port(taken: Collection[int] = ()) -> int:
    """A free port, at random: two stacks that start at the same moment hardly ever choose the same."""
    for _ in range(1000):
        port = random.choice(RANGE)  # noqa: S311 - not a secret
        if port not in taken and is_free(port):
            return port
    raise TagwerkError(
        "no_free_port",
        f"no free TCP port was found between {RANGE.start} and {RANGE.stop - 1}",
        next_step="Stop programs that hold ports, or give Tagwerk ports of its own (--http-port and others).",
    )


def accepts_connections(port: int) -> bool:
    """Whether somebody listens on this port."""
    try:
        with socket.create_connection((LOOPBACK, port), timeout=1):
            return True
    except OSError:
        return False
