"""Ends with 0 when the service of this container can do its work: the health check of the image.

`python -IS probe.py` imports nothing but a socket, since it runs every few seconds in each container.
"""

import socket
import sys

#: Where services in containers answer about their health (`TAGWERK_HEALTH_LISTEN`).
PORT = 8081


def trouble(port: int = PORT) -> str | None:
    """What keeps the service from its work, or None."""
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=5) as connection:
            connection.sendall(b"GET /readyz HTTP/1.0\r\nHost: localhost\r\n\r\n")
            answer = connection.makefile("rb").read(4096).decode(errors="replace")
    except OSError as error:
        return f"nobody answers on port {port}: {error}"
    return None if answer.split(" ")[1:2] == ["200"] else f"not ready: {answer.strip()}"


if __name__ == "__main__":
    sys.exit(trouble())
