"""The stack as an object, as tests and benchmarks use it."""

from collections.abc import AsyncIterator, Iterator
from dataclasses import replace

import asyncpg
import nats
import pytest

from deploy.local.config import StackConfig
from deploy.local.stack import LocalStack
from shared.errors import TagwerkError
from shared.subjects import RUNS
from tests.support.folders import remove_folder, temporary_folder
from tests.support.up import SERVICES


@pytest.fixture(scope="module")
def config() -> Iterator[StackConfig]:
    """One state folder for all: the stack of the second test finds what that of the first left."""
    folder = temporary_folder()
    yield StackConfig(state=folder / "state", services=SERVICES)
    remove_folder(folder)


@pytest.fixture
async def stack(config: StackConfig) -> AsyncIterator[LocalStack]:
    async with LocalStack(config) as stack:
        yield stack


async def test_a_killed_service_comes_back_and_what_is_stored_stays(stack: LocalStack) -> None:
    killed = stack.kill("gateway")
    await stack.wait_ready("gateway")
    assert stack.process("gateway").pid not in (None, killed)
    assert stack.process("gateway").restarts == 1
    database = await asyncpg.connect(stack.database_url("gateway"))
    assert [row["pid"] for row in await database.fetch("SELECT pid FROM starts")] == [
        killed,
        stack.process("gateway").pid,
    ]
    await database.close()


async def test_every_stored_message_survives_the_kill_of_the_whole_bus(
    stack: LocalStack, config: StackConfig
) -> None:
    bus = await nats.connect(stack.nats_url)
    last = (await bus.jetstream().publish("run.a.b.c.ev", b"{}", stream=RUNS)).seq
    await bus.close()
    stack.kill("nats")
    await stack.wait_ready()
    bus = await nats.connect(stack.nats_url)
    assert (await bus.jetstream().get_msg(RUNS, last)).data == b"{}"
    await bus.close()
    assert "sync_interval: always" in (config.state / "nats" / "nats.conf").read_text()


async def test_the_databases_of_services_are_closed_to_each_other(stack: LocalStack) -> None:
    documents = await asyncpg.connect(stack.database_url("documents"))
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await documents.fetch("SELECT * FROM gateway.starts")
    await documents.close()


async def test_services_that_never_serve_are_named_with_what_they_said(config: StackConfig) -> None:
    broken = LocalStack(replace(config, services={"gateway": "tests.support.broken_service"}))
    await broken.start()
    try:
        with pytest.raises(TagwerkError, match="gateway: this service is out of order") as failed:
            await broken.wait_ready(timeout=3)
        assert failed.value.failure.code == "stack_not_ready"
    finally:
        await broken.stop()


async def test_a_provisioning_that_fails_leaves_nothing_running(config: StackConfig) -> None:
    lame = LocalStack(replace(config, environment={"TAGWERK_REPLICAS": "9"}))
    with pytest.raises(TagwerkError) as failed:
        await lame.start()
    assert failed.value.failure.code == "provision_failed"
    assert "TAGWERK_REPLICAS" in failed.value.failure.cause or "replicas" in failed.value.failure.cause
    assert all(process.pid is None for process in lame.processes.values())


async def test_a_module_that_is_no_service_is_named_before_anything_runs(config: StackConfig) -> None:
    lame = LocalStack(replace(config, services={"gateway": "json"}))
    with pytest.raises(TagwerkError) as failed:
        await lame.start()
    assert failed.value.failure.code == "declaration_missing"
    assert not lame.processes


async def test_a_service_that_does_not_exist_is_named_without_a_traceback(config: StackConfig) -> None:
    lame = LocalStack(replace(config, services={"lab": "no.such"}))
    with pytest.raises(TagwerkError) as failed:
        await lame.start()
    assert "service_unknown: there is no Python module no.such" in failed.value.failure.cause
    assert "Traceback" not in failed.value.failure.cause
