"""Jobs of the laboratory service: each shows one behavior of the engine, on real parts."""

import asyncio
import os
import signal
import time
from collections.abc import AsyncIterator
from pathlib import Path

from shared.access import Access
from shared.clients.http import HttpSystem
from shared.effects import Effects
from shared.errors import ExternalSystemUnavailable, NotDone, RecordInvalid
from shared.events import Record
from shared.jobs import Job, Retry, Risky, Safe, exponential, fixed, job, minutes, seconds
from shared.outbox import Outbox, StoredRecord
from shared.runner.context import Progress, RunContext, RunLog
from shared.words import Kind, Level, Outcome

ACCESS = Access(module="lab", level=Level.OPERATIONAL, roles=frozenset({"tester"}))
FACTS = {
    "kind": Kind.MAINTENANCE,
    "owner": "Tests",
    "access": ACCESS,
    "expected_runtime": seconds(1),
    "output": "nothing",
    "expected_result": "what the test expects",
    "logs": "service=lab",
    "troubleshooting": "docs/jobs/lab.md",
    "timeout": minutes(1),
}
ONCE = Retry(attempts=1)
SAFE = Safe("it writes nothing")


class Items:
    """A table of the laboratory, bound to the run's client."""

    def __init__(self, outbox: Outbox, client: str) -> None:
        self._outbox = outbox
        self._client = client

    async def store(self, key: str, value: str) -> StoredRecord:
        async with self._outbox.transaction() as tx:
            before = await tx.connection.fetchval(
                "select value from items where client = $1 and key = $2", self._client, key
            )
            await tx.connection.execute(
                "insert into items values ($1, $2, $3) on conflict (client, key) do update"
                " set value = excluded.value",
                self._client,
                key,
                value,
            )
            if before == value:
                return tx.record(Record(key=key, outcome=Outcome.UNCHANGED))
            outcome = Outcome.CREATED if before is None else Outcome.UPDATED
            return tx.record(Record(key=key, outcome=outcome, changes={"value": (before, value)}))


class Outside(HttpSystem):
    """A system outside that a test plays."""


@job("lab.noop", title="Nothing", retry=ONCE, repeat=SAFE, **FACTS)  # type: ignore[arg-type]
async def noop() -> AsyncIterator[Record]:
    """Do nothing, to measure the engine."""
    return
    yield


@job("lab.records", title="Records", retry=ONCE, repeat=SAFE, **FACTS)  # type: ignore[arg-type]
async def records(
    count: int, fail: list[int] | None = None, *, context: RunContext, log: RunLog, progress: Progress
) -> AsyncIterator[Record]:
    """Yield `count` records, those in `fail` failed."""
    log.info("counting", count=count)
    for number in range(1, count + 1):
        key = f"item:{number}"
        if not context.wants(key):
            continue
        await progress(number, count)
        if number in (fail or []):
            failure = RecordInvalid("the number is bad", next_step="Choose another number.", concern=key)
            yield Record(key=key, outcome=Outcome.FAILED, failure=failure.failure)
        else:
            yield Record(key=key, outcome=Outcome.CREATED)


@job("lab.sleep", title="Sleep", retry=ONCE, repeat=SAFE, **FACTS)  # type: ignore[arg-type]
async def sleep(steps: int, step_seconds: float = 0.05) -> AsyncIterator[Record]:
    """Sleep in steps, a record each."""
    for number in range(1, steps + 1):
        await asyncio.sleep(step_seconds)
        yield Record(key=f"step:{number}", outcome=Outcome.CREATED)


@job("lab.stubborn", title="Stubborn", retry=ONCE, repeat=SAFE, **{**FACTS, "timeout": seconds(0.3)})  # type: ignore[arg-type]
async def stubborn(seconds: float = 30) -> AsyncIterator[Record]:
    """Yield once, and then never again until it is broken off."""
    yield Record(key="first", outcome=Outcome.CREATED)
    await asyncio.sleep(seconds)
    yield Record(key="second", outcome=Outcome.CREATED)


@job(
    "lab.flaky",
    title="Flaky",
    retry=Retry(attempts=3, backoff=exponential(seconds(0.2))),
    repeat=SAFE,
    **FACTS,  # type: ignore[arg-type]
)
async def flaky(fails: int, known: bool = True, *, context: RunContext) -> AsyncIterator[Record]:
    """Fail in the first `fails` attempts."""
    if context.attempt <= fails:
        if known:
            raise ExternalSystemUnavailable("oracle", f"attempt {context.attempt} finds it closed")
        raise RuntimeError(f"attempt {context.attempt} stumbles")
    yield Record(key="prophecy", outcome=Outcome.CREATED)


@job(
    "lab.risky-flaky",
    title="Risky and flaky",
    retry=Retry(attempts=3, backoff=fixed(seconds(0.1))),
    repeat=Risky("it would say it twice"),
    **FACTS,  # type: ignore[arg-type]
)
async def risky_flaky() -> AsyncIterator[Record]:
    """Fail in a way that nobody understands."""
    raise RuntimeError("what was that?")
    yield


@job(
    "lab.store",
    title="Store",
    retry=Retry(attempts=20, backoff=fixed(seconds(0.5))),
    repeat=Safe("items are keyed"),
    **FACTS,  # type: ignore[arg-type]
)
async def store(
    keys: list[str], pause: float = 0.0, die_after: int = 0, *, items: Items, context: RunContext
) -> AsyncIterator[Record]:
    """Store items, one transaction each; die in the first attempt after `die_after` of them."""
    for number, key in enumerate(keys, 1):
        record = await items.store(key, "x")
        if die_after == number and context.attempt == 1:
            os.kill(os.getpid(), signal.SIGKILL)
        yield record
        await asyncio.sleep(pause)


@job("lab.crash", title="Crash", retry=ONCE, repeat=SAFE, **FACTS)  # type: ignore[arg-type]
async def crash() -> AsyncIterator[Record]:
    """Kill the worker process."""
    os.kill(os.getpid(), signal.SIGKILL)
    yield Record(key="never", outcome=Outcome.CREATED)


@job("lab.limited", title="One at a time", retry=ONCE, repeat=SAFE, limit=2, **FACTS)  # type: ignore[arg-type]
async def limited(folder: Path, pause: float = 0.1) -> AsyncIterator[Record]:
    """Write down when it begins and ends."""
    with (folder / "log").open("a") as file:
        file.write(f"+ {time.monotonic()}\n")
        file.flush()
        await asyncio.sleep(pause)
        file.write(f"- {time.monotonic()}\n")
    yield Record(key="one", outcome=Outcome.CREATED)


@job(
    "lab.ordered",
    title="In order",
    retry=Retry(attempts=3, backoff=fixed(seconds(0.2))),
    repeat=SAFE,
    limit=1,
    ordered=True,
    **FACTS,  # type: ignore[arg-type]
)
async def ordered(name: str, folder: Path, fails: int = 0, *, context: RunContext) -> AsyncIterator[Record]:
    """Write its name, after failing `fails` times; nobody overtakes it."""
    if context.attempt <= fails:
        raise ExternalSystemUnavailable("oracle", "closed")
    with (folder / "log").open("a") as file:
        file.write(name)
    yield Record(key=name, outcome=Outcome.CREATED)


@job("lab.send", title="Send", retry=Retry(attempts=2, backoff=fixed(seconds(0.1))),
     repeat=Risky("it sends letters"), **FACTS)  # type: ignore[arg-type]  # fmt: skip
async def send(
    letters: list[str],
    folder: Path,
    mode: str = "well",
    checkable: bool = False,
    *,
    effects: Effects,
    context: RunContext,
) -> AsyncIterator[Record]:
    """Send each letter once; `mode` (well, lost-answer, refused, die-before, die-after) spoils the first."""
    sent = folder / "sent"

    async def was_sent(letter: str) -> bool:
        return sent.exists() and letter in sent.read_text().split()

    for letter in letters:
        key = f"letter:{letter}"
        if not context.wants(key):
            continue
        check = (lambda letter=letter: was_sent(letter)) if checkable else None
        async with effects.once(f"send:{letter}", record=key, check=check) as effect:
            if effect.needed:
                bad = letter == letters[0] and context.attempt == 1 and context.only_records is None
                if bad and mode == "refused":
                    raise NotDone("refused", "the post is closed", next_step="Wait.", retryable=True)
                if bad and mode == "die-before":
                    os.kill(os.getpid(), signal.SIGKILL)
                with sent.open("a") as file:
                    file.write(f"{letter}\n")
                if bad and mode == "die-after":
                    os.kill(os.getpid(), signal.SIGKILL)
                if bad and mode == "lost-answer":
                    raise ExternalSystemUnavailable("post", "no answer in time")
        yield effect.result(Record(key=key, outcome=Outcome.CREATED))


@job("lab.call", title="Call", retry=ONCE, repeat=SAFE, systems=["outside"], **FACTS)  # type: ignore[arg-type]
async def call(url: str, *, outside: Outside) -> AsyncIterator[Record]:
    """Call a system outside; its client records the call by itself."""
    response = await outside.request("fetch", "GET", url)
    yield Record(key=url, outcome=Outcome.CREATED, message=response.text[:50])


@job(
    "lab.stumble",
    title="Stumble",
    retry=Retry(attempts=3, backoff=fixed(seconds(0.1))),
    repeat=SAFE,
    **FACTS,  # type: ignore[arg-type]
)
async def stumble(steps: int) -> AsyncIterator[Record]:
    """Yield records, and fail in the end."""
    for number in range(1, steps + 1):
        yield Record(key=f"step:{number}", outcome=Outcome.CREATED)
        await asyncio.sleep(0.1)
    raise ExternalSystemUnavailable("oracle", "it closed")


@job(
    "lab.patient",
    title="Patient",
    retry=Retry(attempts=2, backoff=fixed(seconds(2))),
    repeat=SAFE,
    **FACTS,  # type: ignore[arg-type]
)
async def patient(fails: int, *, context: RunContext) -> AsyncIterator[Record]:
    """Fail in the first `fails` attempts, and wait long before the next."""
    if context.attempt <= fails:
        raise ExternalSystemUnavailable("oracle", "closed")
    yield Record(key="prophecy", outcome=Outcome.CREATED)


@job("lab.disguise", title="Disguise", retry=ONCE, repeat=SAFE, **FACTS)  # type: ignore[arg-type]
async def disguise() -> AsyncIterator[Record]:
    """Make another error of being broken off, as some libraries do."""
    try:
        await asyncio.sleep(60)
    except asyncio.CancelledError:
        raise RuntimeError("the connection is in a bad state") from None
    yield Record(key="never", outcome=Outcome.CREATED)


@job("lab.await-cancelled", title="Await something cancelled", retry=ONCE, repeat=Risky("it is not safe"),
     **FACTS)  # type: ignore[arg-type]  # fmt: skip
async def await_cancelled() -> AsyncIterator[Record]:
    """Await a task of its own that was cancelled."""
    task = asyncio.create_task(asyncio.sleep(60))
    task.cancel()
    await task
    yield Record(key="never", outcome=Outcome.CREATED)


@job("lab.rush", title="Rush", retry=ONCE, repeat=SAFE, **FACTS)  # type: ignore[arg-type]
async def rush(count: int) -> AsyncIterator[Record]:
    """Yield without ever waiting for anything. The last record tells how often others had their turn."""
    turns = 0

    async def take_turns() -> None:
        nonlocal turns
        while True:
            await asyncio.sleep(0.001)
            turns += 1

    others = asyncio.create_task(take_turns())
    try:
        for number in range(count):
            yield Record(key=f"item:{number}", outcome=Outcome.CREATED)
        yield Record(key=f"turns:{turns}", outcome=Outcome.CREATED)
    finally:
        others.cancel()


@job("lab.bulky", title="Bulky", retry=ONCE, repeat=SAFE, **FACTS)  # type: ignore[arg-type]
async def bulky(
    lines: int = 0, size: int = 0, stored: bool = False, *, log: RunLog, items: Items
) -> AsyncIterator[Record]:
    """Say much at once: many log lines, or one record with a value of `size` characters."""
    for number in range(lines):
        log.info("a line of which there are many", number=number, text="x" * 100)
    if stored:
        yield await items.store("bulky", "x" * size)
    elif size:
        yield Record(key="bulky", outcome=Outcome.CREATED, changes={"value": (None, "x" * size)})


@job("lab.send-and-store", title="Send and store", retry=Retry(attempts=3, backoff=fixed(seconds(0.1))),
     repeat=Risky("it sends letters"), **FACTS)  # type: ignore[arg-type]  # fmt: skip
async def send_and_store(
    letter: str, pause: float = 0.1, *, effects: Effects, items: Items
) -> AsyncIterator[Record]:
    """Write down in the middle of an effect what came of it."""
    async with effects.once(f"send:{letter}", record=letter) as effect:
        if effect.needed:
            await asyncio.sleep(pause)
            await items.store(letter, "sent")
    yield effect.result(Record(key=letter, outcome=Outcome.CREATED))


@job("lab.rehearse", title="Rehearse", retry=ONCE, repeat=Risky("it sends letters"), dry_run=True,
     **FACTS)  # type: ignore[arg-type]  # fmt: skip
async def rehearse(
    letters: list[str], mode: str = "well", *, effects: Effects, items: Items, context: RunContext
) -> AsyncIterator[Record]:
    """Store letters; in a dry run `mode` (well, stores, sends) says whether it behaves."""
    if context.dry_run and mode == "well":
        for letter in letters:
            yield Record(key=letter, outcome=Outcome.CREATED, message="to the post")
        failure = RecordInvalid("it has no address", next_step="Write one.").failure
        yield Record(key="last", outcome=Outcome.FAILED, failure=failure)
        return
    for letter in letters:
        if mode == "sends":
            async with effects.once(f"send:{letter}", record=letter):
                pass
        yield await items.store(letter, "sent")


JOBS: list[Job] = [
    noop, records, sleep, stubborn, flaky, risky_flaky, store, crash, limited, ordered, send, call, stumble,
    patient, disguise, await_cancelled, rush, bulky, send_and_store, rehearse,
]  # fmt: skip
