import json
from pathlib import Path

import pytest

from cli.connection import Connection, find_connection
from cli.exits import Exit
from cli.problems import Problem

LOCAL = "http://127.0.0.1:4711"


@pytest.fixture
def state(tmp_path: Path) -> Path:
    (tmp_path / "credentials.json").write_text(json.dumps({"url": LOCAL, "token": "local"}))
    return tmp_path


def test_the_local_stack_is_found_by_its_file(state: Path) -> None:
    assert find_connection(None, None, state) == Connection(LOCAL, "local")


def test_what_is_given_wins(state: Path) -> None:
    assert find_connection("https://other", "mine", state) == Connection("https://other", "mine")
    assert find_connection(None, "mine", state) == Connection(LOCAL, "mine")


def test_the_local_token_is_sent_to_the_local_address_only(state: Path) -> None:
    assert find_connection("https://other", None, state).token is None
    assert find_connection(LOCAL + "/", None, state).token == "local"


def test_an_unreadable_sign_in_says_which_file(tmp_path: Path) -> None:
    (tmp_path / "credentials.json").write_text("{")
    with pytest.raises(Problem) as raised:
        find_connection(None, None, tmp_path)
    assert raised.value.exit is Exit.REFUSED
    assert raised.value.failure.concern == str(tmp_path / "credentials.json")
