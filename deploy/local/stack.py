"""The whole of Tagwerk on one machine: nats-server, PostgreSQL and the services, from one state folder.

`async with LocalStack(StackConfig(state=...)) as stack:` gives a stack that is ready; `tagwerk up` shows the
same one to people. It must live in the main thread: Linux ends the children with the thread that made them.
"""

import asyncio
import contextlib
import signal
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType

import nats
from nats.aio.client import Client

from deploy.health import says_ready
from deploy.local.children import child_options
from deploy.local.config import NATS, POSTGRES, StackConfig
from deploy.local.log_files import LogFiles
from deploy.local.plans import ROOT, StackPlan, prepare
from deploy.local.sign_in import SignIn
from deploy.local.state import StateFolder
from deploy.local.supervised import ProcessPlan, Supervised, Watcher
from shared.errors import TagwerkError


class Silent:
    """A watcher that tells nobody."""

    def said(self, process: str, line: str) -> None:
        pass

    def became_ready(self, process: str, seconds: float) -> None:
        pass

    def died(self, process: str, how: str, delay: float) -> None:
        pass


class LocalStack:
    """A running stack. `start` and `stop`, or `async with`, which also waits until it is ready."""

    def __init__(self, config: StackConfig, watcher: Watcher | None = None) -> None:
        self.config = config
        self._state = StateFolder(config.state)
        self._watcher = LogFiles(self._state.path / "logs", watcher or Silent())
        self._processes: dict[str, Supervised] = {}
        self._settled: StackPlan | None = None
        self._bus: Client | None = None

    async def __aenter__(self) -> "LocalStack":
        await self.start()
        try:
            await self.wait_ready()
        except BaseException:
            await self.stop()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()

    @property
    def state(self) -> Path:
        """The state folder."""
        return self._state.path

    @property
    def url(self) -> str:
        """Base address of the gateway."""
        return self.sign_in.url

    @property
    def token(self) -> str:
        """Bearer token of the administrator."""
        return self.sign_in.token

    @property
    def sign_in(self) -> SignIn:
        return self._plan.sign_in

    @property
    def nats_port(self) -> int:
        return self._plan.nats.port

    @property
    def monitor_url(self) -> str:
        return self._plan.nats.monitor_url

    @property
    def mqtt_port(self) -> int | None:
        return self._plan.nats.mqtt_port

    @property
    def nats_url(self) -> str:
        """Address of the bus for the administrator, who may do everything."""
        return self._plan.nats.url()

    def bus_key(self, service: str) -> Path:
        """The file with the seed by which a service signs in to the bus."""
        return self._plan.bus_key(service)

    def database_url(self, role: str) -> str:
        """Address of the database for a service's role; `postgres` is the superuser."""
        return self._plan.database_url(role)

    @property
    def plan(self) -> StackPlan:
        """Ports, passwords and places, once they are settled."""
        return self._plan

    @property
    def processes(self) -> Mapping[str, Supervised]:
        """Name -> process: `nats`, `postgres` and the services."""
        return self._processes

    def process(self, name: str) -> Supervised:
        return self._processes[name]

    def kill(self, name: str) -> int:
        """SIGKILL a process, as a crash of it; gives its id. It is started again by itself."""
        process = self._processes[name]
        pid = process.pid
        if pid is None:
            raise RuntimeError(f"{name} is not running")
        process.ready.clear()
        process.send(signal.SIGKILL)
        return pid

    async def wait_ready(self, *names: str, timeout: float = 60.0) -> None:
        """Wait until the named processes serve, or all. Raises `TagwerkError` (`stack_not_ready`)."""
        waited_for = [self._processes[name] for name in names or self._processes]
        try:
            async with asyncio.timeout(timeout):
                for process in waited_for:
                    await process.ready.wait()
        except TimeoutError:
            raise _not_ready([process for process in waited_for if not process.ready.is_set()]) from None

    async def start(self) -> None:
        """Bring up the servers, provision them, and start the services; does not wait for those.

        Raises `TagwerkError`: `stack_running`, `port_taken`, `stack_not_ready`, `provision_failed`, ...
        """
        await self.start_servers()
        try:
            await self._provision(self._plan)
            self._bus = await nats.connect(
                self.nats_url,
                name="tagwerk-stack",
                max_reconnect_attempts=-1,
                reconnect_time_wait=0.2,
                error_cb=_ignore,
            )
            for name in self.config.services:
                self._supervise(self._plan.service_process(name, self._says_ready))
        except BaseException:
            await self.stop()
            raise

    async def start_servers(self) -> None:
        """Bring up the bus and the database alone, as they are: for a backup or a restore.

        Raises `TagwerkError`: `stack_running`, `port_taken`, `stack_not_ready`, ...
        """
        await asyncio.to_thread(self._state.__enter__)
        try:
            plan = self._settled = await asyncio.to_thread(prepare, self.config, self._state)
            self._supervise(plan.nats_process())
            self._supervise(plan.postgres_process())
            await self.wait_ready(NATS, POSTGRES)
        except BaseException:
            await self.stop()
            raise

    async def stop(self) -> None:
        """Stop everything: services first, so that they can hand over, then the database, then the bus."""
        services = [process for name, process in self._processes.items() if name not in (NATS, POSTGRES)]
        await asyncio.gather(*(service.stop() for service in services))
        if self._bus is not None:
            await self._bus.close()
        for server in (POSTGRES, NATS):
            if server in self._processes:
                await self._processes[server].stop()
        self._watcher.close()
        self._state.__exit__()

    def stop_at_once(self) -> None:
        """Shorten a `stop` that is under way: end every service now, without its time to hand over."""
        for name, process in self._processes.items():
            if name not in (NATS, POSTGRES):
                process.send(signal.SIGKILL)

    @property
    def _plan(self) -> StackPlan:
        if self._settled is None:
            raise RuntimeError("the stack has not been started")
        return self._settled

    def _supervise(self, plan: ProcessPlan) -> None:
        process = self._processes[plan.name] = Supervised(plan, self._watcher)
        process.start()

    async def _provision(self, plan: StackPlan) -> None:
        process = await asyncio.create_subprocess_exec(
            *plan.provision_command(),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
            env=plan.provision_environment(), cwd=ROOT, **child_options(signal.SIGKILL),
        )  # fmt: skip
        try:
            output, _ = await process.communicate()
        except BaseException:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            raise
        said = output.decode(errors="replace").strip()
        for line in said.splitlines():
            self._watcher.said("provision", line)
        if process.returncode != 0:
            raise TagwerkError(
                "provision_failed",
                f"the bus and the database could not be provisioned:\n{said}",
                concern=str(self._state.path),
                next_step="Mend what the last line names, then start again; nothing is lost by that.",
            )

    async def _says_ready(self, service: str) -> bool:
        assert self._bus is not None
        return await says_ready(self._bus, service)


async def _ignore(_: Exception) -> None:
    """Lost connections to nats-server: it is started again, and its own log tells why it ended."""


def _not_ready(processes: Sequence[Supervised]) -> TagwerkError:
    names = ", ".join(process.plan.name for process in processes)
    last = "\n".join(f"{process.plan.name}: {line}" for process in processes for line in process.last_lines)
    return TagwerkError(
        "stack_not_ready",
        f"not ready in time: {names}. What they said last:\n{last}"
        if last
        else f"not ready in time: {names}",
        concern=names,
        next_step="Read their logs in the folder `logs` of the state folder.",
    )
