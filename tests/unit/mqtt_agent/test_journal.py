"""The agent's journal, over kills: a command and its answers are there whole, or not at all."""

import ast
import re
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

from services.mqtt_bridge.agent.journal import Journal
from services.mqtt_bridge.agent.pickup import move, pick_up
from services.mqtt_bridge.agent.registry import FilesAction
from shared.agents import AgentAnswer, AgentCommand, AgentEnd, AgentItem

ID = UUID(int=7)
COMMAND = AgentCommand(id=ID, action="x", expires_at=datetime(2026, 3, 2, tzinfo=UTC), run_id=ID)
ANSWERS = [
    AgentAnswer(command=ID, number=1, items=(AgentItem(key="a"),)),
    AgentAnswer(command=ID, number=2, end=AgentEnd(outcome="done", items=1)),
]


def test_what_was_begun_is_known_after_a_restart_and_what_is_done_is_answered_again(tmp_path: Path) -> None:
    path = tmp_path / "journal"
    journal = Journal(path)
    assert journal.receive(COMMAND) == "new"
    assert journal.receive(COMMAND) == "known"
    assert journal.open_commands() == [(COMMAND, False)]
    journal.begin(ID)
    journal.close()

    journal = Journal(path)
    assert journal.open_commands() == [(COMMAND, True)]
    assert journal.next_answer() is None
    source, target = tmp_path / "in", tmp_path / "done" / "in"
    journal.finish(ID, ANSWERS, [(source, target)])
    journal.close()

    journal = Journal(path)
    assert journal.open_commands() == []
    assert journal.moves() == [(source, target)]
    for number in (1, 2):
        found = journal.next_answer()
        assert found is not None
        assert (found[0], found[1]) == (str(ID), number)
        journal.sent(str(ID), number)
    assert journal.next_answer() is None
    assert journal.receive(COMMAND) == "answered"
    again = journal.next_answer()
    assert again is not None
    assert again[1:] == (1, ANSWERS[0].encode())
    journal.close()


def test_a_file_is_picked_up_once_moved_later_and_nothing_is_overwritten(tmp_path: Path) -> None:
    action = FilesAction(name="x", title="X", kind="files", folder=tmp_path, settled=0, count_limit=2)
    for name in ("a.txt", "b.txt", "c.txt"):
        (tmp_path / name).write_text(name)
    (tmp_path / "link.txt").symlink_to("/etc/hostname")
    result, moves = pick_up(action, str(ID), {tmp_path / "a.txt"})
    assert [file.name for file in result.files] == ["b.txt", "c.txt"]
    assert not result.more
    for source, target in moves:
        move(source, target)
        # Killed before that was written down, it is moved again: nothing happens.
        move(source, target)
    assert sorted(path.name for path in (tmp_path / "picked-up").iterdir()) == [
        "00000000-b.txt", "00000000-c.txt",
    ]  # fmt: skip
    (tmp_path / "d.txt").write_text("d")
    (tmp_path / "e.txt").write_text("e")
    result, _ = pick_up(action, str(ID), set())
    assert [file.name for file in result.files] == ["a.txt", "d.txt"]
    assert result.more


def test_the_agent_needs_no_bus_and_no_service() -> None:
    program = (
        "import sys\n"
        "for name in ('nats', 'faststream', 'asyncpg', 'fastapi', 'obstore'): sys.modules[name] = None\n"
        "import services.mqtt_bridge.agent.__main__\n"
        "ours = sorted(name for name in sys.modules if name.split('.')[0] in ('shared', 'services')"
        " and not name.startswith('services.mqtt_bridge.agent'))\n"
        "print(' '.join(ours))"
    )
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    # What docs/agents.md names, and the packages that they lie in.
    assert ran.stdout.split() == [
        "services", "services.mqtt_bridge", "services.mqtt_bridge.broker", "services.mqtt_bridge.messages",
        "shared", "shared.agents", "shared.cancelling", "shared.errors", "shared.tls",
    ]  # fmt: skip


def test_what_it_reaches_for_later_is_there_too() -> None:
    """Imports within functions, which the one above does not see."""
    root = Path(__file__).parents[3]
    agents = (root / "docs/agents.md").read_text()
    named = {root / path for path in re.findall(r"`((?:shared|services)/\S+\.py)`", agents)}
    files = {*named, *(root / "services/mqtt_bridge/agent").glob("*.py")}
    wanted = {
        root / f"{node.module.replace('.', '/')}.py"
        for file in files
        for node in ast.walk(ast.parse(file.read_text()))
        if isinstance(node, ast.ImportFrom) and node.module and node.module.startswith(("shared", "services"))
    }
    assert len(named) > 4
    assert wanted - files == set()
