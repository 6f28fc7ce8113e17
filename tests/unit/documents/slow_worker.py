"""A worker to kill: reads a scanned document again and again, and tells the ids of its processes."""

import asyncio
import sys
from pathlib import Path

import psutil

from services.documents.readers import ChildReaders, Engine
from shared.process import Children


async def work(original: Path, folder: Path) -> None:
    readers = ChildReaders(Children(1), Engine.find("deu+eng", None))
    async with readers.open(original, folder) as reading, asyncio.TaskGroup() as tasks:
        tasks.create_task(tell())
        while True:
            async for _ in reading.read([1]):
                pass


async def tell() -> None:
    while True:
        below = psutil.Process().children(recursive=True)
        if programs := [process for process in below if process.name() == "tesseract"]:
            programs[0].suspend()  # or it might be gone before anybody can see that it was ended
            print(*(process.pid for process in below), flush=True)
            return
        await asyncio.sleep(0.005)


if __name__ == "__main__":
    asyncio.run(work(Path(sys.argv[1]), Path(sys.argv[2])))
