"""Style and scripts, under a path with the hash of their content: they may be kept for ever.

One hash stands for all files, so that a module can name its neighbour as `./other.js`.
"""

import hashlib
import mimetypes
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from fastapi import APIRouter, Response
from starlette.exceptions import HTTPException

FOLDER = Path(__file__).parent / "static"

router = APIRouter(include_in_schema=False)

#: What the platform's tables may not know.
_TYPES = {".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml"}


@dataclass(frozen=True, slots=True)
class StaticFiles:
    #: Hex, of all names and contents.
    hash: str
    #: Name -> content and media type.
    files: dict[str, tuple[bytes, str]]

    def path(self, name: str) -> str:
        """Where a file is served. Raises `KeyError` for one that does not exist."""
        self.files[name]
        return f"/static/{self.hash}/{name}"


@cache
def static_files() -> StaticFiles:
    digest = hashlib.sha256()
    files: dict[str, tuple[bytes, str]] = {}
    for path in sorted(FOLDER.iterdir()):
        content = path.read_bytes()
        digest.update(f"{path.name}\0{len(content)}\0".encode() + content)
        media_type = _TYPES.get(path.suffix) or mimetypes.guess_type(path.name)[0]
        files[path.name] = content, media_type or "application/octet-stream"
    return StaticFiles(digest.hexdigest()[:16], files)


@router.get("/static/{hash}/{name}")
async def read_static_file(hash: str, name: str) -> Response:
    known = static_files()
    if hash != known.hash or name not in known.files:
        raise HTTPException(404)
    content, media_type = known.files[name]
    return Response(
        content,
        media_type=media_type,
        headers={"Cache-Control": "public, max-age=31536000, immutable"},
    )
