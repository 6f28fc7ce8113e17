"""Style and scripts, under a path with the hash of their content: they may be kept for ever.

One hash stands for all files, so that a module can name its neighbour as `./other.js`.
"""

import gzip
import hashlib
import mimetypes
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from fastapi import APIRouter, Request, Response
from starlette.exceptions import HTTPException

from services.gateway.compression import accepts_gzip

FOLDER = Path(__file__).parent / "static"

router = APIRouter(include_in_schema=False)

#: What the platform's tables may not know.
_TYPES = {".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml"}


@dataclass(frozen=True, slots=True)
class StaticFile:
    content: bytes
    compressed: bytes
    media_type: str


@dataclass(frozen=True, slots=True)
class StaticFiles:
    #: Hex, of all names and contents.
    hash: str
    #: By name.
    files: dict[str, StaticFile]

    def path(self, name: str) -> str:
        """Where a file is served. Raises `KeyError` for one that does not exist."""
        self.files[name]
        return f"/static/{self.hash}/{name}"


@cache
def static_files() -> StaticFiles:
    digest = hashlib.sha256()
    files: dict[str, StaticFile] = {}
    for path in sorted(FOLDER.iterdir()):
        content = path.read_bytes()
        digest.update(f"{path.name}\0{len(content)}\0".encode() + content)
        media_type = _TYPES.get(path.suffix) or mimetypes.guess_type(path.name)[0]
        files[path.name] = StaticFile(
            content, gzip.compress(content, mtime=0), media_type or "application/octet-stream"
        )
    return StaticFiles(digest.hexdigest()[:16], files)


@router.get("/static/{hash}/{name}")
async def read_static_file(hash: str, name: str, request: Request) -> Response:
    known = static_files()
    if hash != known.hash or name not in known.files:
        raise HTTPException(404)
    file = known.files[name]
    headers = {"Cache-Control": "public, max-age=31536000, immutable", "Vary": "Accept-Encoding"}
    if accepts_gzip(request):
        headers["Content-Encoding"] = "gzip"
        return Response(file.compressed, media_type=file.media_type, headers=headers)
    return Response(file.content, media_type=file.media_type, headers=headers)
