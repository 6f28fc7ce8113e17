"""Where a service process can be killed: every durable side effect, at the few places that all of them pass.

Each passage has a name without ids and numbers (`commit documents.store.PostgresDocuments.keep_page`,
`publish run.finished`, `put documents/<id>/derived/text.txt`), and each name counts its passages. A process
either writes down what it passes (`Recording`), or kills itself right before or right after the n-th passage
of one name (`Killing`). "After" means that the other side has it: the commit returned, the publish was
acknowledged, the acknowledgement has left the process.
"""

import functools
import os
import re
import signal
import sys
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import Any, Literal, Protocol

import asyncpg
import httpx
import obstore
import orjson

from shared.bus import Bus
from shared.clients.http import HttpSystem
from shared.clients.imap import ImapSystem
from shared.clients.sftp import SftpSystem
from shared.clients.smtp import SYSTEM as MAIL_SERVER
from shared.clients.smtp import SmtpSystem
from shared.pull import Delivery

Side = Literal["before", "after"]
SIDES: tuple[Side, Side] = ("before", "after")

_PACKAGES = ("services.", "shared.", "tests.")
#: What every service does by itself, whoever called it.
_ALONE = frozenset({"shared.database.migrate", "shared.outbox.Relay.run", "shared.outbox.Relay._pass"})
#: What every statement of a service has above it.
_FRAME = "tests.support.faults"
#: Functions through which others write: the point is named after their caller.
_TRANSPARENT = frozenset({"shared.outbox.Outbox.transaction", "services.documents.approvals.steps.opened"})
#: Methods that several use for different things: their points are told apart by this attribute.
_SHARED = {"services.reporting.following.follower.Follower._take": "reader"}
_WRITES = re.compile(r"^\s*(insert|update|delete|truncate|merge|copy|create|alter|drop)\b", re.IGNORECASE)
_WRITES_BELOW = re.compile(r"\b(insert into|delete from|update \w+ set)\b", re.IGNORECASE)
_ID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
_HASH = re.compile(r"\b[0-9a-f]{10,}\b")
#: Names with a version in it.
_LONG = re.compile(r"^.*(<n>|<hash>).*(<n>|<hash>).*(<n>|<hash>).*$")
_NUMBER = re.compile(r"\d+")


class Watch(Protocol):
    """Hears of every passage, right before and right after it."""

    def passes(self, name: str, number: int, side: Side) -> None: ...


@dataclass
class Recording:
    """Writes `side number name` to a file, a line each, complete even if the process is killed."""

    path: Path

    def passes(self, name: str, number: int, side: Side) -> None:
        file = os.open(self.path, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
        os.write(file, f"{side} {number} {name}\n".encode())
        os.close(file)


@dataclass
class Killing:
    """Kills the process at one point."""

    name: str
    number: int
    side: Side

    def passes(self, name: str, number: int, side: Side) -> None:
        if (name, number, side) == (self.name, self.number, self.side):
            os.kill(os.getpid(), signal.SIGKILL)


@dataclass
class _Passages:
    watch: Watch
    #: The process that is watched: what it forks goes its own way.
    pid: int = field(default_factory=os.getpid)
    counts: Counter[str] = field(default_factory=Counter)

    def begin(self, name: str) -> int:
        self.counts[name] += 1
        self._tell(name, self.counts[name], "before")
        return self.counts[name]

    def end(self, name: str, number: int) -> None:
        self._tell(name, number, "after")

    def _tell(self, name: str, number: int, side: Side) -> None:
        if os.getpid() == self.pid:
            self.watch.passes(name, number, side)


def without_ids(text: str) -> str:
    """What is the same in every run: `documents/<id>/pages/<hash>/<n>.txt`."""
    text = _HASH.sub("<hash>", _ID.sub("<id>", text))
    return "".join(
        part if part.startswith("<") else _NUMBER.sub("<n>", part) for part in re.split(r"(<\w+>)", text)
    )


def instrument(watch: Watch) -> None:
    """From here on every durable side effect of this process passes by `watch`. For good."""
    passages = _Passages(watch)
    _watch_database(passages)
    _watch_bus(passages)
    _watch_files(passages)
    _watch_calls(passages)


# Database: commits, and writes of a single statement outside of a transaction.


def _watch_database(passages: _Passages) -> None:
    #: Connections whose transaction has written something.
    written: set[int] = set()
    connection: Any = asyncpg.Connection

    def watched(method: str) -> None:
        real = getattr(connection, method)

        @functools.wraps(real)
        async def call(self: Any, query: Any, *arguments: Any, **options: Any) -> Any:
            statement = query if isinstance(query, str) else "copy"
            kind = "copy" if method.startswith("copy") else statement
            word = kind.strip().rstrip(";").upper()
            if word == "COMMIT":
                if id(self) not in written:
                    return await real(self, query, *arguments, **options)
                written.discard(id(self))
                return await _pass(passages, f"commit {_purpose()}", real, self, query, *arguments, **options)
            if word == "BEGIN" or word.startswith(("BEGIN ", "ROLLBACK")):
                written.discard(id(self))
            elif _writes(kind):
                if not self.is_in_transaction():
                    name = f"write {_purpose()}"
                    return await _pass(passages, name, real, self, query, *arguments, **options)
                written.add(id(self))
            return await real(self, query, *arguments, **options)

        setattr(connection, method, call)

    for method in ("execute", "executemany", "fetch", "fetchrow", "fetchval", "copy_records_to_table"):
        watched(method)


def _writes(statement: str) -> bool:
    if _WRITES.match(statement):
        return True
    return statement.lstrip().lower().startswith("with") and bool(_WRITES_BELOW.search(statement))


def _purpose() -> str:
    """The innermost function of ours that is at work; of `shared`, with the service's own that called it."""
    inner: str | None = None
    for where in _callers(sys._getframe(2)):
        if where in _TRANSPARENT:
            continue
        if where in _ALONE:
            return _short(where)
        if inner is None:
            inner = where
        if not where.startswith("shared."):
            return _short(where) if where == inner else f"{_short(inner)} of {_short(where)}"
    return _short(inner or "unknown")


def _callers(frame: FrameType | None) -> "list[str]":
    found = []
    while frame is not None:
        module = frame.f_globals.get("__name__", "")
        if module.startswith(_PACKAGES) and not module.startswith(_FRAME):
            where = f"{module}.{frame.f_code.co_qualname}"
            if where in _SHARED:
                where = f"{where} as {getattr(frame.f_locals['self'], _SHARED[where])}"
            if not where.endswith(".app.main"):
                found.append(where)
        frame = frame.f_back
    return found


def _short(where: str) -> str:
    plain = where.replace("<locals>.", "").removeprefix("services.").removeprefix("tests.support.")
    return plain.removeprefix("shared.")


# Bus: publishes, and acknowledgements of work.


def _watch_bus(passages: _Passages) -> None:
    publish, say = Bus.publish, Delivery._say

    async def watched_publish(self: Bus, subject: str, payload: bytes, **options: Any) -> int:
        name = f"publish {_subject(subject, payload)}"
        sequence: int = await _pass(passages, name, publish, self, subject, payload, **options)
        return sequence

    async def watched_say(self: Delivery, word: bytes) -> None:
        async def say_and_send() -> None:
            await say(self, word)
            await self._nc.flush()

        await _pass(passages, f"{word.split()[0].decode()[1:].lower()} {self.durable}", say_and_send)

    Bus.publish = watched_publish  # type: ignore[method-assign]
    Delivery._say = watched_say  # type: ignore[method-assign]


def _subject(subject: str, payload: bytes) -> str:
    if not subject.startswith("run."):
        return without_ids(subject)
    kind: str = orjson.loads(payload)["type"]
    return kind


# Files: the store, files that are synced, and renames into folders.


def _watch_files(passages: _Passages) -> None:
    def watched(verb: str, method: str) -> None:
        real = getattr(obstore, method)

        async def call(store: Any, path: Any, *arguments: Any, **options: Any) -> Any:
            name = f"{verb} {_file(str(path))}"
            return await _pass(passages, name, real, store, path, *arguments, **options)

        setattr(obstore, method, call)

    for verb in ("put", "delete", "copy", "rename"):
        watched(verb, f"{verb}_async")

    def watched_rename(method: str) -> None:
        real = getattr(os, method)

        def call(source: Any, target: Any, **options: Any) -> None:
            name = f"{method} {_file(str(target))}"
            number = passages.begin(name)
            real(source, target, **options)
            passages.end(name, number)

        setattr(os, method, call)

    for method in ("rename", "replace", "link"):
        watched_rename(method)

    sync = os.fsync

    def watched_sync(descriptor: int) -> None:
        name = f"sync {_file(str(Path(f'/proc/self/fd/{descriptor}').readlink()))}"
        number = passages.begin(name)
        sync(descriptor)
        passages.end(name, number)

    os.fsync = watched_sync  # type: ignore[assignment]  # ours are descriptors, no file objects


def _file(path: str) -> str:
    """Without the client, which is another in each repetition, and without the folder of an absolute one."""
    inside = Path(path).name if path.startswith("/") else re.sub(r"^clients/[^/]+/", "", path)
    return "/".join(_LONG.sub("<long>", part) for part in without_ids(inside).split("/"))


# Calls of systems outside.


def _watch_calls(passages: _Passages) -> None:
    real = HttpSystem._recorded

    async def recorded(
        self: HttpSystem, operation: str, send: Callable[[], Awaitable[httpx.Response]], **options: Any
    ) -> httpx.Response:
        name = f"call {self._system}: {operation}"
        response: httpx.Response = await _pass(passages, name, real, self, operation, send, **options)
        return response

    HttpSystem._recorded = recorded  # type: ignore[method-assign]
    real_mail = ImapSystem._recorded

    async def recorded_mail(self: ImapSystem, operation: str, work: Callable[[], Any], **options: Any) -> Any:
        name = f"call {self._system}: {operation}"
        return await _pass(passages, name, real_mail, self, operation, work, **options)

    ImapSystem._recorded = recorded_mail  # type: ignore[method-assign]
    real_sftp = SftpSystem._recorded

    async def recorded_sftp(
        self: SftpSystem, operation: str, work: Callable[[], Awaitable[Any]], **options: Any
    ) -> Any:
        name = f"call {self._system}: {operation}"
        return await _pass(passages, name, real_sftp, self, operation, work, **options)

    SftpSystem._recorded = recorded_sftp  # type: ignore[method-assign]
    send = SmtpSystem.send

    async def sent(self: SmtpSystem, *arguments: Any, **options: Any) -> None:
        await _pass(passages, f"call {MAIL_SERVER}: send mail", send, self, *arguments, **options)

    SmtpSystem.send = sent  # type: ignore[method-assign]


async def _pass(
    passages: _Passages, name: str, real: Callable[..., Awaitable[Any]], *arguments: Any, **options: Any
) -> Any:
    number = passages.begin(name)
    result = await real(*arguments, **options)
    passages.end(name, number)
    return result
