"""Serving HTTP until asked to stop, and stopping in order."""

import gc
import signal
import socket
import sys

import structlog
import uvicorn
from starlette.types import ASGIApp

from services.gateway.context import Gateway
from shared.tls import FileContext

log = structlog.get_logger(__name__)

#: Seconds that requests have to finish after SIGTERM.
DRAIN = 5


class Server(uvicorn.Server):
    """uvicorn, telling the application of the stop before it waits for open connections."""

    def __init__(
        self, app: ASGIApp, *, trusted_proxies: str | None = None, tls: FileContext | None = None
    ) -> None:
        """`trusted_proxies`: addresses whose `X-Forwarded-…` is believed, separated by commas.
        `tls`: the certificate that is shown; without it plain HTTP is spoken."""
        super().__init__(
            uvicorn.Config(
                app,
                loop="uvloop",
                http="httptools",
                ws="none",
                log_config=None,
                access_log=False,
                server_header=False,
                # By default uvicorn believes whoever connects from this machine.
                proxy_headers=bool(trusted_proxies),
                forwarded_allow_ips=trusted_proxies,
                timeout_graceful_shutdown=DRAIN,
                ssl_context_factory=None if tls is None else lambda *_: tls,
            )
        )
        self.gateway: Gateway | None = None

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        if self.gateway is not None:
            self.gateway.draining.set()
        await super().shutdown(sockets)


def run(server: Server, listener: socket.socket) -> None:
    """Serve until SIGTERM or SIGINT; both are an orderly end."""
    for number in (signal.SIGTERM, signal.SIGINT):
        # uvicorn hears them first, and passes them on when everything has ended.
        signal.signal(number, lambda *_: sys.exit(0))
    # A look through all that was made at the start would stop every page for as long as a page takes.
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 100)
    server.run(sockets=[listener])
