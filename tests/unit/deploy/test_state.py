"""The state folder: one stack at a time, the same ports and passwords again, nothing foreign removed."""

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from deploy.local.ports import free_port
from deploy.local.state import StateFolder, remove_state
from shared.errors import TagwerkError


def test_the_same_ports_come_again_and_a_taken_one_is_replaced(tmp_path: Path) -> None:
    with StateFolder(tmp_path / "state") as state:
        first = state.ports({"http": None, "nats": None})
        assert state.ports({"http": None, "nats": None}) == first
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", first["http"]))
            taken.listen()
            second = state.ports({"http": None, "nats": None})
        assert second["http"] != first["http"]
        assert second["nats"] == first["nats"]


def test_a_wanted_port_is_remembered_and_refused_when_it_is_taken(tmp_path: Path) -> None:
    port = free_port()
    with StateFolder(tmp_path / "state") as state:
        assert state.ports({"http": port})["http"] == port
        assert state.ports({"http": None})["http"] == port
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", port))
            taken.listen()
            with pytest.raises(TagwerkError) as refused:
                state.ports({"http": port})
    assert refused.value.failure.code == "port_taken"
    assert "--http-port" in refused.value.failure.next_step


def test_passwords_stay_and_new_services_get_their_own(tmp_path: Path) -> None:
    with StateFolder(tmp_path / "state") as state:
        first = state.passwords("nats", ["admin", "gateway"])
    with StateFolder(tmp_path / "state") as state:
        second = state.passwords("nats", ["admin", "gateway", "bench"])
        assert state.passwords("postgres", ["gateway"])["gateway"] != first["gateway"]
    assert second.items() >= first.items()
    assert len(set(second.values())) == 3


def test_a_second_stack_in_the_same_folder_is_refused_with_the_process_that_has_it(tmp_path: Path) -> None:
    with (
        StateFolder(tmp_path / "state"),
        pytest.raises(TagwerkError) as refused,
        StateFolder(tmp_path / "state"),
    ):
        pass
    assert refused.value.failure.code == "stack_running"
    assert f"process {os.getpid()}" in refused.value.failure.cause


def test_a_start_waits_for_the_children_of_a_killed_supervisor(tmp_path: Path) -> None:
    state = StateFolder(tmp_path / "state")
    with state:
        orphan = subprocess.Popen(
            [sys.executable, "-c", "import time; time.sleep(0.7); open('ended', 'x')"],
            cwd=tmp_path,
            pass_fds=(state.lock,),
        )
    (tmp_path / "state" / "lock").write_text("999999999\n")
    assert orphan.poll() is None
    with StateFolder(tmp_path / "state"):
        assert (tmp_path / "ended").exists()
    assert orphan.wait() == 0


def test_a_folder_with_other_things_is_never_taken_for_a_state_folder(tmp_path: Path) -> None:
    (tmp_path / "letters.txt").write_text("dear")
    for action in (lambda: remove_state(tmp_path), lambda: StateFolder(tmp_path).__enter__()):
        with pytest.raises(TagwerkError) as refused:
            action()
        assert refused.value.failure.code == "not_a_state_folder"
    assert (tmp_path / "letters.txt").read_text() == "dear"


def test_a_file_or_a_place_where_nothing_can_be_made_is_refused_with_the_cause(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text("dear")
    for path, code in ((file, "not_a_state_folder"), (file / "below", "state_not_writable")):
        with pytest.raises(TagwerkError) as refused:
            StateFolder(path).__enter__()
        assert refused.value.failure.code == code
        assert "--state" in refused.value.failure.next_step
    assert file.read_text() == "dear"


def test_removing_takes_everything_that_belongs_to_the_folder_also_what_lies_outside(tmp_path: Path) -> None:
    state = StateFolder(tmp_path / "state", root_only=tmp_path / "outside")
    with state:
        outside = state.outside
        (outside / "data").mkdir(parents=True)
        (state.path / "nats" / "deep").mkdir(parents=True)
        state.passwords("nats", ["admin"])
        state.remove()
    assert not outside.exists()
    assert not state.path.exists()
    assert not remove_state(tmp_path / "state")


def test_the_outside_folder_follows_a_state_folder_that_was_moved(tmp_path: Path) -> None:
    with StateFolder(tmp_path / "here") as state:
        before = state.outside
    (tmp_path / "here").rename(tmp_path / "there")
    with StateFolder(tmp_path / "there") as state:
        assert state.outside == before
