"""`make upgrade-drill`: from the services of an earlier commit to today's, one after the other, under load.

The servers run all the time. The admin step of today's sources goes first, as at each deployment. Then each
service is started beside the old one, and the old one asked to stop; the gateway, which has an address, is
stopped before. Checked: every run that was accepted has ended as it should, with its records once and its
rows there; documents of before can be read; the projection is what a rebuild makes of it.

`TAGWERK_UPGRADE_FROM` names the commit; without it, it is the one before the newest that changed `services`
or `shared`.
"""

import asyncio
import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import asyncpg
import httpx
from rich.console import Console

from deploy.local.children import child_options
from deploy.local.config import GATEWAY, SERVICES, StackConfig
from deploy.local.ports import LOOPBACK, free_port
from deploy.local.stack import LocalStack
from tests.drills.work import Load, all_ended, all_runs, answer, api, upload
from tests.support.folders import remove_folder, temporary_folder

ROOT: Final = Path(__file__).parents[2]
LAB: Final = "tests.support.lab"
CLIENTS: Final = 3
#: Of the runs of the load: long enough that some are at work whenever a service is replaced.
PAUSE: Final = 0.1
#: Seconds for a service to be ready, or to have handed over.
PATIENCE: Final = 120.0

console = Console(highlight=False)


def tell(name: str, value: str) -> None:
    console.print(f"  {name:<44} {value}")


def commit_before() -> str:
    """The commit to come from. Raises `RuntimeError` without the history."""
    wanted = os.environ.get("TAGWERK_UPGRADE_FROM")
    if wanted is None:
        changed = _git("log", "-1", "--format=%H", "--", "services", "shared")
        wanted = f"{changed}~1"
    return _git("rev-parse", "--short", f"{wanted}^{{commit}}")


def _git(*arguments: str) -> str:
    done = subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode != 0 or not done.stdout.strip():
        raise RuntimeError(f"git {arguments[0]} finds nothing: {done.stderr.strip()}")
    return done.stdout.strip()


def unpack(commit: str, folder: Path) -> None:
    """The sources of a commit."""
    folder.mkdir()
    archive = subprocess.Popen(["git", "archive", commit], cwd=ROOT, stdout=subprocess.PIPE)
    subprocess.run(["tar", "-x", "-C", str(folder)], stdin=archive.stdout, check=True)
    if archive.wait() != 0:
        raise RuntimeError(f"git archive {commit} failed")


@dataclass
class Service:
    """One process of a service, from the sources in `root`."""

    module: str
    root: Path
    environment: dict[str, str]
    log: Path
    process: subprocess.Popen[bytes] = field(init=False)

    async def start(self) -> None:
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(  # noqa: ASYNC220  (it is there within milliseconds)
                [sys.executable, "-m", self.module], cwd=self.root, stdin=subprocess.DEVNULL, stdout=log,
                stderr=log, **child_options(signal.SIGKILL),
                env=self.environment | {
                    "PYTHONPATH": str(self.root), "TAGWERK_LOG_FORMAT": "json", "TAGWERK_LOG_LEVEL": "info",
                    # Two of a service on one machine.
                    "TAGWERK_HEALTH_LISTEN": f"{LOOPBACK}:{free_port()}",
                },
            )  # fmt: skip
        end = time.monotonic() + PATIENCE
        while '"event": "ready"' not in self.log.read_text().replace('"event":"', '"event": "'):
            if self.process.poll() is not None or time.monotonic() > end:
                raise RuntimeError(f"{self.module} does not start:\n{self.log.read_text()[-3000:]}")
            await asyncio.sleep(0.1)

    async def stop(self) -> None:
        """As an orchestrator does it. Raises `RuntimeError` if it does not end by itself."""
        self.process.terminate()
        try:
            code = await asyncio.to_thread(self.process.wait, PATIENCE)
        except subprocess.TimeoutExpired:
            raise RuntimeError(
                f"{self.module} does not end within {PATIENCE:g} s:\n{self.log.read_text()[-3000:]}"
            ) from None
        if code not in (0, -signal.SIGTERM):
            raise RuntimeError(f"{self.module} ended with {code}:\n{self.log.read_text()[-3000:]}")

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()


class Fleet:
    """The services on the servers of one stack."""

    def __init__(self, stack: LocalStack, folder: Path) -> None:
        self._stack = stack
        self._folder = folder
        self.running: dict[str, Service] = {}

    def _environment(self, name: str, *, old: bool) -> dict[str, str]:
        environment = self._stack.plan.service_environment(name)
        if old:
            # Earlier services may know no keys, and have needs of which today's users do not know.
            environment["TAGWERK_NATS_URL"] = self._stack.nats_url
            del environment["TAGWERK_NATS_NKEY_FILE"]
        return environment

    async def provision(self, root: Path) -> None:
        plan = self._stack.plan
        done = await asyncio.to_thread(
            subprocess.run, plan.provision_command(), cwd=root, capture_output=True, text=True, check=False,
            env=plan.provision_environment() | {"PYTHONPATH": str(root)},
        )  # fmt: skip
        if done.returncode != 0:
            raise RuntimeError(f"the admin step failed:\n{done.stdout}{done.stderr}")

    async def start(self, name: str, root: Path, *, old: bool) -> Service:
        module = self._stack.config.services[name]
        log = self._folder / f"{name}-{'old' if old else 'new'}.log"
        service = Service(module, root, self._environment(name, old=old), log)
        await service.start()
        return service

    async def replace(self, name: str) -> None:
        before = self.running[name]
        if name == GATEWAY:
            await before.stop()
            self.running[name] = await self.start(name, ROOT, old=False)
        else:
            self.running[name] = await self.start(name, ROOT, old=False)
            await before.stop()

    def kill(self) -> None:
        for service in self.running.values():
            service.kill()


async def drill(commit: str, folder: Path) -> None:
    old = folder / "old"
    unpack(commit, old)
    services = {**SERVICES, "lab": LAB}
    config = StackConfig(state=folder / "state", services=services, environment={"TAGWERK_ACK_WAIT": "3"})
    stack = LocalStack(config)
    await stack.start_servers()
    fleet = Fleet(stack, folder)
    try:
        await fleet.provision(old)
        started = await asyncio.gather(*(fleet.start(name, old, old=True) for name in services))
        fleet.running = dict(zip(services, started, strict=True))
        async with httpx.AsyncClient(
            base_url=stack.url, headers={"Authorization": f"Bearer {stack.token}"}, timeout=60
        ) as http:
            document = await upload(http, "invoice-zugferd.pdf")
            load = Load(pause=PAUSE)
            async with load.working(http, CLIENTS):
                await load.reaches(20)
                before = len(load.accepted)
                began = time.monotonic()
                await fleet.provision(ROOT)
                for name in services:
                    await fleet.replace(name)
                    # Work for the mixture of old and new.
                    await load.reaches(len(load.accepted) + 5)
                tell("services replaced, one after the other", f"{time.monotonic() - began:.0f} s")
                tell("runs accepted meanwhile", str(len(load.accepted) - before))
            await _check(http, stack, load, document)
    finally:
        fleet.kill()
        await stack.stop()


async def _check(http: httpx.AsyncClient, stack: LocalStack, load: Load, document: str) -> None:
    rows = await all_ended(http, job="lab.store")
    assert {row["run_id"] for row in rows} == set(load.accepted), "runs were lost, or nobody asked for them"
    wrong = [row for row in rows if (row["state"], row["counts"]) != ("succeeded", {"created": 3})]
    assert not wrong, wrong[:3]
    tell("runs that ended, each with its records once", str(len(rows)))
    connection = await asyncpg.connect(stack.database_url("lab"))
    stored = [key for (key,) in await connection.fetch("select key from items")]
    assert await connection.fetchval("select count(*) from outbox") == 0
    await connection.close()
    assert sorted(stored) == sorted(key for keys in load.accepted.values() for key in keys)
    tell("rows that they stored", str(len(stored)))
    await all_ended(http)
    assert (await answer(http, f"/documents/{document}"))["file_name"] == "invoice-zugferd.pdf"
    before = await all_runs(http, job="lab.store")
    (await http.post(api("/rebuild"), timeout=300)).raise_for_status()
    assert await all_runs(http, job="lab.store") == before
    tell("rows equal to those of a rebuild", str(len(before)))


def run() -> None:
    commit = commit_before()
    tell("from commit", commit)
    folder = temporary_folder()
    try:
        asyncio.run(drill(commit, folder))
    finally:
        remove_folder(folder)
    console.print("Nothing was lost, and nothing was done twice.", style="bold green")


if __name__ == "__main__":
    run()
