"""An installation in a process of its own, as `make up` runs it, that a drill may kill whole."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Final

import httpx
import psutil

from deploy.local.sign_in import CREDENTIALS_FILE

ROOT: Final = Path(__file__).parents[2]
#: Seconds for a start; machines that run drills are busy.
_READY_WITHIN: Final = 180.0


class Machine:
    """`tagwerk up` with the laboratory beside, of the sources in `root`."""

    def __init__(self, state: Path, root: Path = ROOT) -> None:
        self.state = state
        self._log = state.with_name(state.name + ".out")
        #: Seconds until it was ready.
        self.ready_after = 0.0
        began = time.monotonic()
        environment = {**os.environ, "TAGWERK_ACK_WAIT": "3", "TAGWERK_LOG_LEVEL": "warning"}
        # Older sources run on today's libraries; their own packages come first.
        environment["PYTHONPATH"] = str(root)
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                [
                    sys.executable, "-m", "deploy.local", "up", "--quiet",
                    "--state", str(state), "--services", "lab=tests.support.lab",
                ],
                cwd=root, env=environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
            )  # fmt: skip
        try:
            self._wait_ready(began)
        except BaseException:
            self.kill()
            raise
        self.ready_after = time.monotonic() - began

    def _wait_ready(self, began: float) -> None:
        while True:
            if self._process.poll() is not None or time.monotonic() - began > _READY_WITHIN:
                raise RuntimeError(f"the stack does not start:\n{self._log.read_text()}")
            if "is ready after" in self._log.read_text():
                return
            time.sleep(0.1)

    def http(self) -> httpx.AsyncClient:
        """Signed in as the administrator."""
        known = json.loads((self.state / CREDENTIALS_FILE).read_text())
        return httpx.AsyncClient(
            base_url=known["url"], headers={"Authorization": f"Bearer {known['token']}"}, timeout=60
        )

    def kill(self) -> int:
        """SIGKILL every process at once, as when the machine is lost; how many there were."""
        try:
            family = psutil.Process(self._process.pid).children(recursive=True)
        except psutil.NoSuchProcess:
            family = []
        self._process.send_signal(signal.SIGKILL)
        for process in family:
            try:
                process.kill()
            except psutil.NoSuchProcess:
                continue
        self._process.wait()
        psutil.wait_procs(family, timeout=20)
        return 1 + len(family)

    def stop(self) -> None:
        self._process.terminate()
        try:
            self._process.wait(60)
        except subprocess.TimeoutExpired:
            self.kill()
