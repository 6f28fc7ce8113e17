"""Writing reports in child processes; `renderer/writer.py` is what a child runs."""

import asyncio
from collections.abc import Collection, Mapping
from typing import Final, Protocol

from services.reporting.contents import Content
from shared.process import Children, Limits
from shared.words import ReportFormat
from shared.workplace import workplace

_WRITER: Final = "services.reporting.renderer.writer:Writer"
#: A report of 10,000 lines takes about 280 MB.
LIMITS: Final = Limits(cpu_seconds=120, wall_seconds=240, file_size=256 * 1024 * 1024)


class Renderer(Protocol):
    """Writes reports."""

    async def render(
        self, content: Content, formats: Collection[ReportFormat]
    ) -> Mapping[ReportFormat, bytes]:
        """The report in each format. Raises what `shared.process` does."""


class ChildRenderer:
    """Each format in a child of its own, as many at once as there are slots."""

    def __init__(self, children: Children) -> None:
        self._children = children

    async def render(
        self, content: Content, formats: Collection[ReportFormat]
    ) -> Mapping[ReportFormat, bytes]:
        plain = await asyncio.to_thread(content.plain)
        written = await asyncio.gather(*(self._write(content.kind, plain, format) for format in formats))
        return dict(zip(formats, written, strict=True))

    async def _write(self, kind: str, plain: dict[str, object], format: ReportFormat) -> bytes:
        with workplace() as folder:
            orders = {"kind": kind, "content": plain, "folder": str(folder)}
            async with self._children.open(_WRITER, orders, folder=folder) as child:
                name = await child.call(format.value)
            return await asyncio.to_thread((folder / name).read_bytes)
