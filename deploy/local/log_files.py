"""A log file per process in the state folder, for whoever looks after the terminal is gone."""

import logging
from logging.handlers import RotatingFileHandler
from pathlib import Path
from typing import Final

from deploy.local.supervised import Watcher

_SIZE: Final = 10 * 1024 * 1024


class LogFiles:
    """Writes what the processes say to `<folder>/<process>.log`, then tells the next watcher.

    At 10 MiB a file becomes `<process>.log.1` in place of the one before.
    """

    def __init__(self, folder: Path, then: Watcher) -> None:
        self._folder = folder
        self._then = then
        self._files: dict[str, RotatingFileHandler] = {}

    def said(self, process: str, line: str) -> None:
        self._write(process, line)
        self._then.said(process, line)

    def became_ready(self, process: str, seconds: float) -> None:
        self._write(process, f"--- ready after {seconds:.1f} s")
        self._then.became_ready(process, seconds)

    def died(self, process: str, how: str, delay: float) -> None:
        self._write(process, f"--- {how}; it is started again in {delay:g} s")
        self._then.died(process, how, delay)

    def close(self) -> None:
        for file in self._files.values():
            file.close()
        self._files.clear()

    def _write(self, process: str, line: str) -> None:
        if process not in self._files:
            self._folder.mkdir(mode=0o700, exist_ok=True)
            self._files[process] = RotatingFileHandler(
                self._folder / f"{process}.log", maxBytes=_SIZE, backupCount=1, encoding="utf-8"
            )
        self._files[process].emit(logging.makeLogRecord({"msg": line}))
