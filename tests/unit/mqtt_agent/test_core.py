"""What an agent makes of commands and of results, without a broker."""

import base64
import hashlib
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from services.integrations.agents.core import Agent, check_there, given_of, whole_files
from services.mqtt_bridge.agent.core import (
    PickedFile,
    Refused,
    Result,
    Unfinished,
    allowed,
    answers_of,
    numbered,
    rows_as_items,
    values_of,
)
from services.mqtt_bridge.agent.registry import Registry
from services.mqtt_bridge.agent.registry_file import read_registry
from shared.agents import PART, AgentAnswer, AgentCommand, AgentItem
from shared.errors import TagwerkError

NOW = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
ID = UUID(int=7)
BROKER = {"url": "mqtts://broker:8883", "user": "agent-office", "password": {"env": "PASSWORD"}}
SQL = {
    "name": "orders", "title": "Orders", "kind": "sql", "database": {"env": "DATABASE"},
    "query": "select * from orders where customer = :customer and day >= :since::date and at > '12:30'",
    "parameters": [
        {"name": "customer", "one_of": ["a", "b"]}, {"name": "since", "type": "date", "required": False},
    ],
}  # fmt: skip


def registry(*actions: dict[str, Any]) -> Registry:
    content = {"name": "office", "client": "main", "broker": BROKER, "action": list(actions) or [SQL]}
    return Registry.model_validate(content)


def command(action: str = "orders", **changes: Any) -> AgentCommand:
    values = {"id": ID, "action": action, "expires_at": NOW, "run_id": ID}
    return AgentCommand.model_validate({**values, **changes})


def test_only_what_the_file_names_is_allowed_and_in_time() -> None:
    assert allowed(registry(), command(), NOW).name == "orders"
    with pytest.raises(Refused) as refused:
        allowed(registry(), command("order"), NOW)
    assert refused.value.failure.code == "agent_action_unknown"
    assert "did you mean orders?" in refused.value.failure.cause
    with pytest.raises(Refused) as refused:
        allowed(registry(), command(), NOW + timedelta(seconds=1))
    assert refused.value.failure.code == "agent_command_too_late"


def test_parameters_come_in_their_types_or_not_at_all() -> None:
    action = registry().action[0]
    assert values_of(action, {"customer": "a", "since": "2026-03-01"}) == {
        "customer": "a", "since": date(2026, 3, 1),
    }  # fmt: skip
    assert values_of(action, {"customer": "b"}) == {"customer": "b", "since": None}
    with pytest.raises(Refused) as refused:
        values_of(action, {"customer": "c", "since": "soon", "drop": "table"})
    cause = refused.value.failure.cause
    for part in ("there is no parameter drop", "customer has to be one of a, b", "since: "):
        assert part in cause
    with pytest.raises(Refused, match="customer is missing"):
        values_of(action, {})


def test_a_query_is_numbered_for_postgresql_but_for_types_and_times() -> None:
    assert numbered(SQL["query"]) == (  # type: ignore[arg-type]
        "select * from orders where customer = $1 and day >= $2::date and at > '12:30'",
        ["customer", "since"],
    )
    assert numbered("select :a, :b, :a") == ("select $1, $2, $1", ["a", "b"])


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"query": "select :customer"}, "differ in: since"),
        ({"query": "select 1", "parameters": [], "row_limt": 5}, "row_limt"),
        ({"database": {}}, "give either `env`"),
        ({"parameters": [{"name": "customer"}, {"name": "customer"}, {"name": "since"}]}, "named twice"),
    ],
)
def test_a_wrong_action_is_named(tmp_path: Path, change: dict[str, Any], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        registry({**SQL, **change})


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("http://user:secret@erp/orders", "without password"),
        ("http://{host}/orders", "the host of `url` is fixed"),
        ("http://erp/orders/{other}", "not declared: other"),
        ("file:///etc/passwd", "has to be http"),
    ],
)
def test_a_call_goes_where_the_file_says(url: str, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        registry({"name": "x", "title": "X", "kind": "http", "url": url, "parameters": [{"name": "host"}]})


def test_a_file_that_cannot_be_used_says_why_and_paths_lie_beside_it(tmp_path: Path) -> None:
    file = tmp_path / "agent.toml"
    with pytest.raises(TagwerkError, match="cannot be read"):
        read_registry(file)
    file.write_text("name = 'office'\n[broker]\n")
    with pytest.raises(TagwerkError, match=r"broker\.url: Field required"):
        read_registry(file)
    file.write_text(
        "name = 'office'\nclient = 'main'\n"
        "[broker]\nurl = 'mqtts://b'\nuser = 'u'\npassword = { file = 'p' }\n"
        "[[action]]\nname = 'letters'\ntitle = 'Letters'\nkind = 'files'\nfolder = 'in'\n"
    )
    read = read_registry(file)
    assert read.broker.password.file == tmp_path / "p"
    assert (read.journal, read.action[0].folder) == (  # type: ignore[union-attr]
        tmp_path / "agent.sqlite", tmp_path / "in",
    )  # fmt: skip


def test_rows_need_a_key_of_their_own_and_amounts_stay_exact() -> None:
    items = rows_as_items(["number", "amount"], [(1, Decimal("0.10")), (2, None)], None)
    assert [(item.key, item.data["amount"]) for item in items] == [("1", "0.10"), ("2", None)]
    for columns, rows, key, code in (
        (["a"], [(1,)], "b", "agent_key_missing"),
        (["a"], [(None,)], None, "agent_key_missing"),
        (["a"], [(1,), (1,)], None, "agent_key_twice"),
    ):
        with pytest.raises(Unfinished) as raised:
            rows_as_items(columns, rows, key)
        assert raised.value.failure.code == code
        assert not raised.value.done_perhaps


def test_results_are_cut_into_numbered_answers_and_files_put_together_again() -> None:
    content = bytes(range(256)) * 2000
    items = [AgentItem(key=str(number), data={"text": "x" * 1000}) for number in range(300)]
    items.append(AgentItem(key="huge", data={"text": "x" * 200_000}))
    answers = answers_of(ID, Result(items=items, files=[PickedFile("a.pdf", content), PickedFile("b", b"")]))
    assert [answer.number for answer in answers] == list(range(1, len(answers) + 1))
    assert max(len(answer.encode()) for answer in answers) < PART * 4 // 3 + 1000
    end = answers[-1].end
    assert end is not None
    assert (end.outcome, end.items) == ("done", 303)
    told = [item for answer in answers for item in answer.items]
    assert [item.key for item in told] == [*(str(number) for number in range(300)), "huge"]
    assert told[-1].failure is not None
    assert told[-1].failure.code == "agent_item_too_large"

    files = [answer for answer in answers if answer.file is not None]
    # In whatever order they come, the file is whole with the last of them.
    for known in range(1, 3):
        assert whole_files(files[:known], files[0].number) is None
    pieces = whole_files(list(reversed(files)), files[1].number)
    assert pieces is not None
    whole = b"".join(base64.b64decode(piece.file.base64) for piece in pieces if piece.file is not None)
    assert whole == content
    assert files[0].file is not None
    assert files[0].file.sha256 == hashlib.sha256(content).hexdigest()
    assert len(whole_files(files, files[-1].number) or []) == 1
    assert AgentAnswer.model_validate_json(answers[0].encode()) == answers[0]


def test_an_agent_that_is_silent_is_away_whatever_it_said_last() -> None:
    agent = Agent("main", "office", True, NOW, NOW, "1", ())
    assert check_there(agent, "office", ["office"], NOW + timedelta(seconds=89)) is agent
    for gone in (NOW + timedelta(seconds=91), NOW):
        away = Agent("main", "office", gone != NOW, NOW, NOW, "1", ())
        with pytest.raises(TagwerkError) as raised:
            check_there(away, "office", ["office"], gone)
        assert raised.value.failure.code == "agent_away"
        assert raised.value.failure.retryable
    with pytest.raises(TagwerkError, match="did you mean office"):
        check_there(None, "offices", ["office"], NOW)


def test_parameters_are_given_by_name() -> None:
    assert given_of(["a=1=2", "b=", "c= x"]) == {"a": "1=2", "c": " x"}
    with pytest.raises(TagwerkError, match="given twice"):
        given_of(["a=1", "a=2"])
