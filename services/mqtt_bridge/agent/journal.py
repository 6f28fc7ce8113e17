"""What the agent was told, what it did, and what it has to say: one SQLite file, written before each step.

A command is there before the broker is told that it came; its answers are there, all at once, before the
first of them leaves. So a kill at any moment loses neither, and nothing is done twice that is not repeatable.
"""

import sqlite3
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import Final, Literal
from uuid import UUID

from shared.agents import AgentAnswer, AgentCommand

#: Days for which a command is known; the broker holds none for so long.
_KEPT: Final = 30

_SCHEMA: Final = """
create table if not exists commands (
    id text primary key,
    command text not null,
    state text not null check (state in ('received', 'begun', 'done')),
    received_at text not null default (datetime('now'))
);
create table if not exists answers (
    command text not null references commands (id) on delete cascade,
    number integer not null,
    payload blob not null,
    sent integer not null default 0,
    primary key (command, number)
);
create table if not exists moves (
    command text not null,
    source text not null,
    target text not null,
    primary key (command, source)
);
"""

#: A file that is to be moved once its content lies here: from, to.
Move = tuple[Path, Path]


class Journal:
    """One process at a time; the calls are short and block."""

    def __init__(self, path: Path) -> None:
        self._database = sqlite3.connect(path, isolation_level=None, timeout=10)
        self._database.execute("pragma foreign_keys = on")
        self._database.execute("pragma journal_mode = wal")
        # An acknowledged command survives a power failure.
        self._database.execute("pragma synchronous = full")
        self._database.executescript(_SCHEMA)
        self._database.execute(
            "delete from commands where state = 'done' and received_at < datetime('now', ?)",
            (f"-{_KEPT} days",),
        )

    def close(self) -> None:
        self._database.close()

    def receive(self, command: AgentCommand) -> Literal["new", "known", "answered"]:
        """Write it down. One that is done is answered again, from here."""
        id = str(command.id)
        with self._transaction() as database:
            row = database.execute("select state from commands where id = ?", (id,)).fetchone()
            if row is not None and row[0] == "done":
                database.execute("update answers set sent = 0 where command = ?", (id,))
                return "answered"
            if row is not None:
                return "known"
            database.execute(
                "insert into commands (id, command, state) values (?, ?, 'received')",
                (id, command.encode().decode()),
            )
            return "new"

    def open_commands(self) -> list[tuple[AgentCommand, bool]]:
        """What is not done, the oldest first, and whether it was begun."""
        rows = self._database.execute(
            "select command, state from commands where state <> 'done' order by rowid"
        ).fetchall()
        return [(AgentCommand.model_validate_json(text), state == "begun") for text, state in rows]

    def begin(self, id: UUID) -> None:
        self._database.execute("update commands set state = 'begun' where id = ?", (str(id),))

    def finish(self, id: UUID, answers: Sequence[AgentAnswer], moves: Sequence[Move] = ()) -> None:
        """It is done: its answers, and the files that are to be moved, in one transaction."""
        with self._transaction() as database:
            database.executemany(
                "insert into answers (command, number, payload) values (?, ?, ?)",
                [(str(id), answer.number, answer.encode()) for answer in answers],
            )
            database.executemany(
                "insert into moves (command, source, target) values (?, ?, ?)",
                [(str(id), str(source), str(target)) for source, target in moves],
            )
            database.execute("update commands set state = 'done' where id = ?", (str(id),))

    def moves(self) -> list[Move]:
        """Files of which the content lies here, and that are not moved yet."""
        rows = self._database.execute("select source, target from moves").fetchall()
        return [(Path(source), Path(target)) for source, target in rows]

    def moved(self, source: Path) -> None:
        self._database.execute("delete from moves where source = ?", (str(source),))

    def next_answer(self) -> tuple[str, int, bytes] | None:
        """The first answer that the broker does not have: command, number, payload."""
        found: tuple[str, int, bytes] | None = self._database.execute(
            "select answers.command, number, payload from answers join commands on id = answers.command"
            " where not sent order by commands.rowid, number limit 1"
        ).fetchone()
        return found

    def sent(self, command: str, number: int) -> None:
        self._database.execute(
            "update answers set sent = 1 where command = ? and number = ?", (command, number)
        )

    def _transaction(self) -> "_Transaction":
        return _Transaction(self._database)


class _Transaction(closing["sqlite3.Cursor"]):
    """`with` a cursor: committed at the end, or rolled back."""

    def __init__(self, database: sqlite3.Connection) -> None:
        super().__init__(database.cursor())
        self._database = database
        database.execute("begin immediate")

    def __exit__(self, *raised: object) -> None:
        self._database.execute("commit" if raised[0] is None else "rollback")
        super().__exit__(*raised)
