"""Ends with 0 when the service of this container can do its work: the health check of the image.

`python -IS probe.py` imports nothing but a socket, since it runs every few seconds in each container.
"""

import socket
import sys

#: Where services in containers answer about their health (`TAGWERK_HEALTH_LISTEN`).
PORT = 8081

try:
    with socket.create_connection(("127.0.0.1", PORT), timeout=5) as connection:
        connection.sendall(b"GET /readyz HTTP/1.0\r\nHost: localhost\r\n\r\n")
        answer = connection.makefile("rb").readline()
except OSError as error:
    sys.exit(f"nobody answers on port {PORT}: {error}")
sys.exit(None if b" 200 " in answer else f"not ready: {answer.decode(errors='replace').strip()}")
