"""`tagwerk up` as a process: what it leaves running, and what not, however it ends."""

import json
import os
import shutil
import signal
import socket
import stat
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import psutil
import pytest
import rich

from deploy.local.children import unprivileged_account
from deploy.local.postgres_home import is_reachable
from deploy.local.state import remove_state
from shared.errors import TagwerkError
from tests.support.folders import remove_folder, temporary_folder
from tests.support.servers import wait_until
from tests.support.up import ROOT, Up, gone

READY = "Tagwerk is ready"


@pytest.fixture
def folder() -> Iterator[Path]:
    folder = temporary_folder()
    yield folder
    remove_folder(folder)


@pytest.fixture(scope="module")
def state() -> Iterator[Path]:
    """A state folder that one test after the other uses: only the first start has to make a database."""
    folder = temporary_folder()
    yield folder / "state"
    remove_folder(folder)


@pytest.fixture
def up(state: Path) -> Iterator[Up]:
    """A stack that is ready; what is left of it after the test is killed."""
    command = Up(state)
    try:
        yield command.wait_for(READY)
    finally:
        family = command.family() if command.process.poll() is None else []
        command.end(signal.SIGKILL)
        assert gone(family)


@pytest.fixture(scope="module")
def running() -> Iterator[Up]:
    """One stack for the tests that leave it running."""
    folder = temporary_folder()
    # A folder's name may hold anything.
    command = Up(folder / 'st"äte %20')
    try:
        yield command.wait_for(READY)
    finally:
        assert command.end() == 0
        remove_folder(folder)


def test_ctrl_c_stops_services_then_servers_and_the_next_start_finds_the_state(up: Up, state: Path) -> None:
    credentials = json.loads((state / "credentials.json").read_text())
    assert credentials["url"] in up.output
    up.wait_for(credentials["token"])
    family = up.family()
    assert up.end(signal.SIGINT) == 0
    assert gone(family)
    assert "gateway hands over" in up.output
    assert "documents hands over" in up.output
    assert last_log_line(state, "postgres") == "LOG:  database system is shut down"

    again = Up(state)
    try:
        again.wait_for(READY)
        assert json.loads((state / "credentials.json").read_text()) == credentials
    finally:
        assert again.end() == 0


def last_log_line(state: Path, process: str) -> str:
    return (state / "logs" / f"{process}.log").read_text().splitlines()[-1]


def test_secrets_are_readable_by_their_owner_only(running: Up) -> None:
    state = running.state
    for name in ("credentials.json", "secrets.json", "sign-in.json", "nats/nats.conf"):
        assert stat.S_IMODE((state / name).stat().st_mode) == 0o600, name
    token = json.loads((state / "credentials.json").read_text())["token"]
    assert token not in (state / "sign-in.json").read_text()


def test_nothing_outlives_a_supervisor_that_is_killed_and_the_next_start_waits_for_the_rest(
    up: Up, state: Path
) -> None:
    family = up.family()
    assert {"nats-server", "postgres"} <= {child.name() for child in family}
    up.end(signal.SIGKILL)
    again = Up(state)
    try:
        again.wait_for(READY)
        assert gone(family, timeout=1)
    finally:
        assert again.end() == 0


def test_the_stack_stops_in_order_when_its_parent_is_killed(state: Path) -> None:
    above = Up(state, "--under-parent").wait_for(READY)
    family = above.family()
    above.process.kill()
    assert gone(family, timeout=60)
    above.end()
    assert "gateway hands over" in above.output
    assert last_log_line(state, "postgres") == "LOG:  database system is shut down"


@pytest.mark.parametrize("program", ["nats-server", "postgres"])
def test_a_server_that_died_is_started_again_on_its_port(running: Up, program: str) -> None:
    name = {"nats-server": "nats"}.get(program, program)
    victim = running.child(program)
    ports = {connection.laddr.port for connection in victim.net_connections() if not connection.raddr}
    victim.kill()
    running.wait_for(f"{name:<11}│ it was ended by SIGKILL; it is started again in 0.5 s")
    wait_until(lambda: running.output.count(f"{name:<11}│ ready after") == 2, f"{name} ready again")
    again = running.child(program)
    assert {connection.laddr.port for connection in again.net_connections() if not connection.raddr} == ports


def test_a_second_start_in_the_same_folder_is_refused_and_disturbs_nothing(running: Up) -> None:
    family = {child.pid for child in running.family()}
    second = Up(running.state)
    assert second.process.wait(timeout=60) == 1
    second.end()
    assert (
        f"stack_running: a stack is already running in this state folder (process {running.process.pid})"
        in (second.output)
    )
    with pytest.raises(TagwerkError, match="already running"):
        remove_state(running.state)
    assert (running.state / "credentials.json").exists()
    assert {child.pid for child in running.family()} == family


def test_a_second_stack_runs_beside_although_the_usual_ports_are_taken(running: Up, folder: Path) -> None:
    with ExitStack() as taken:
        for port in (4222, 5432, 1883, 8080, 8222):
            listener = taken.enter_context(socket.socket())
            try:
                listener.bind(("127.0.0.1", port))
                listener.listen()
            except OSError:
                # Somebody has it already, which is as good.
                continue
        beside = Up(folder / "beside")
        try:
            beside.wait_for(READY)
        finally:
            assert beside.end() == 0
    assert running.process.poll() is None
    assert remove_state(folder / "beside")
    assert not (folder / "beside").exists()


def test_the_database_runs_under_an_unprivileged_account_when_we_are_root(running: Up) -> None:
    expected = "nobody" if os.geteuid() == 0 else psutil.Process().username()
    assert running.child("postgres").username() == expected
    assert running.child("nats-server").username() == psutil.Process().username()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root's servers run under another account")
def test_root_in_a_closed_home_keeps_the_database_outside_of_it_and_cleans_it_up(folder: Path) -> None:
    home = folder / "home"
    home.mkdir(mode=0o700)
    command = Up(home / ".tagwerk")
    try:
        command.wait_for(READY)
        data = Path(command.child("postgres").cmdline()[2])
        assert not data.is_relative_to(home)
        assert data.is_dir()
        assert home.stat().st_mode & 0o777 == 0o700
    finally:
        assert command.end() == 0
    assert remove_state(home / ".tagwerk")
    assert not data.parent.exists()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")
def test_an_ordinary_user_runs_the_whole_stack_under_their_own_account(folder: Path) -> None:
    account = unprivileged_account()
    assert account is not None
    python = python_for_everybody()
    if python is None or not is_reachable(ROOT) or not is_reachable(Path(rich.__file__).parent):
        pytest.skip("an ordinary user cannot reach this Python, this checkout or its environment")
    home = folder / "home"
    home.mkdir()
    os.chown(home, account.uid, account.gid)
    command = Up(home / "stäte %20", python=python, account=account)
    try:
        command.wait_for(READY)
        assert {child.username() for child in command.family()} == {account.name}
        assert command.child("postgres").cmdline()[2] == str(home / "stäte %20" / "postgres" / "data")
    finally:
        assert command.end() == 0


def python_for_everybody() -> str | None:
    """A Python of our version whose program any account can reach."""
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    for candidate in (sys.executable, shutil.which(version, path="/usr/local/bin:/usr/bin")):
        if candidate is not None and is_reachable(Path(candidate).resolve().parent):
            return candidate
    return None
