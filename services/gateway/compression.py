"""Pages and their files are sent compressed. Nothing else is: an answer of the API that shows a secret beside
what somebody asked for would tell of it by its length (https://www.breachattack.com), and a stream of events
has to leave event by event."""

import gzip
import io
import secrets
from typing import TypeVar

from fastapi import Request, Response

Answer = TypeVar("Answer", bound=Response)

#: Bytes below which an answer goes into one packet anyway.
SMALLEST = 1_000
#: Higher levels cost pages several times the time for a tenth of the bytes.
LEVEL = 4
#: Characters at most by which the length of a page is blurred.
BLUR = 64


def accepts_gzip(request: Request) -> bool:
    """https://www.rfc-editor.org/rfc/rfc9110#field.accept-encoding"""
    for part in request.headers.get("accept-encoding", "").split(","):
        coding, _, weight = part.partition(";")
        if coding.strip().lower() == "gzip":
            return weight.strip().rstrip("0") not in ("q=", "q=0.")
    return False


def compressed(answer: Answer, request: Request) -> Answer:
    """The answer with its body compressed, if the client reads that and it is worth it.

    Blurred by a name of random length in the header of the format: what stands twice in a page cannot be told
    from its length by a few looks. Tokens in pages are other ones each time besides.
    """
    answer.headers.add_vary_header("Accept-Encoding")
    body = bytes(answer.body)
    if len(body) < SMALLEST or not accepts_gzip(request):
        return answer
    packed = io.BytesIO()
    name = secrets.token_hex(BLUR // 2)[: secrets.randbelow(BLUR) + 1]
    with gzip.GzipFile(name, "wb", LEVEL, packed, mtime=0) as file:
        file.write(body)
    answer.body = packed.getvalue()
    answer.headers["Content-Encoding"] = "gzip"
    answer.headers["Content-Length"] = str(len(answer.body))
    return answer
