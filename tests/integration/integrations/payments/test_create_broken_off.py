"""A run that dies at any step of making payment files: the next attempt, or the next run, ends it, once.

Death is an exception that nothing catches: open transactions are rolled back, files and committed rows stay.
`tests/faults/integrations/test_payments.py` does the same with a process and kill -9.
"""

import asyncio
from itertools import product
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from services.integrations.payments import handover
from services.integrations.payments.store import PostgresPaymentFiles
from shared.database import Pool
from shared.files import Files
from shared.ids import new_id
from shared.outbox import Transaction
from tests.integration.integrations.payments.conftest import Treasury, of_invoices

#: Every step that leaves something behind, and where it is found.
STEPS: dict[str, tuple[Any, str]] = {
    "reserve": (PostgresPaymentFiles, "reserve"),
    "put": (Files, "put"),
    "stage a copy": (handover, "_stage"),
    "commit its name": (PostgresPaymentFiles, "stage"),
    "move": (handover, "move"),
    "complete": (PostgresPaymentFiles, "complete"),
}


class Dead(BaseException):
    pass


def die(monkeypatch: pytest.MonkeyPatch, step: str, when: str, file: int) -> None:
    """Die at the `file`-th time of this step: before it, after it, or with its transaction still open."""
    place, name = STEPS[step]
    real, times = getattr(place, name), 0

    def die_if(here: str) -> None:
        if (here, times) == (when, file):
            raise Dead

    async def asynchronous(*arguments: Any, **named: Any) -> Any:
        nonlocal times
        times += 1
        die_if("before")
        if (when, times) == ("inside", file):
            with monkeypatch.context() as within:
                within.setattr(Transaction, "write", _die_in_transaction)
                return await real(*arguments, **named)
        result = await real(*arguments, **named)
        die_if("after")
        return result

    def synchronous(*arguments: Any) -> None:
        nonlocal times
        times += 1
        die_if("before")
        real(*arguments)
        die_if("after")

    fake = asynchronous if asyncio.iscoroutinefunction(real) else synchronous
    monkeypatch.setattr(place, name, fake)


async def _die_in_transaction(self: Transaction, context: Any) -> bool:
    raise Dead


@pytest.mark.parametrize("step", STEPS)
async def test_no_invoice_is_ordered_twice_and_none_is_lost(
    pool: Pool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    """Before the step, after it, in its open transaction; at the first file and at the second; ended by
    another attempt, or by another run."""
    moments = ["before", "after", *(["inside"] if step in ("reserve", "complete") else [])]
    files = [1] if step == "reserve" else [1, 2]
    for place, (when, file, next_is) in enumerate(product(moments, files, ("attempt", "run"))):
        treasury = Treasury(pool, tmp_path / str(place))
        with monkeypatch.context() as patched:
            die(patched, step, when, file)
            await broken_off_and_ended(treasury, next_is)


async def broken_off_and_ended(treasury: Treasury, next_is: str) -> None:
    """Two files, of two banks, with two invoices each; and one invoice that fails."""
    good = [await treasury.approve(kind) for kind in ("qrr", "scor", "sepa")]
    good.append(await treasury.approve("sepa", invoice_number="R-19", payable_amount="7.00"))
    bad = await treasury.approve("qrr", reference=None, payable_amount="3.00")
    run_id = new_id()
    with pytest.raises(Dead):
        await treasury.create(run_id=run_id)
    reserved = await contents(treasury)
    # What the bank's software has taken meanwhile must not come again.
    taken = treasury.picked_up()
    for name in taken:
        (treasury.pickup / name).unlink()

    records = await (treasury.create(run_id=run_id, attempt=2) if next_is == "attempt" else treasury.create())

    made = await treasury.made()
    assert len(made) == 2
    assert reserved.items() <= made.items(), "the files that were begun have their ids and bytes"
    again = treasury.picked_up()
    assert not taken.keys() & again.keys(), "a file that was taken does not come again"
    assert {UUID(name[:-4]): content for name, content in (taken | again).items()} == made
    events = await treasury.events()
    assert sorted(event.document_id for event in events) == sorted(event.document_id for event in good)
    if next_is == "attempt":
        assert of_invoices(records) == {
            **{f"invoice:{event.document_id}": "created" for event in good},
            f"invoice:{bad.document_id}": "failed qr_reference_missing",
        }
    assert await treasury.create(currency="EUR") == [], "and there is nothing more to order"


async def contents(treasury: Treasury) -> dict[UUID, bytes]:
    """The bytes of the files that are begun."""
    rows = await treasury.pool.fetch(
        "select id, content from payment_files where content is not null and client = $1",
        treasury.client,
    )
    return {row["id"]: row["content"] for row in rows}


async def test_an_attempt_that_was_overtaken_hands_nothing_out_a_second_time(
    treasury: Treasury, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first attempt sleeps just before it stages its copy; the second does everything; then it wakes."""
    await treasury.approve()
    run_id = new_id()
    asleep, wake = asyncio.Event(), asyncio.Event()
    real = PostgresPaymentFiles.stage

    async def sleepy(self: PostgresPaymentFiles, file_id: UUID, name: str) -> str:
        if not asleep.is_set():
            asleep.set()
            await wake.wait()
        return await real(self, file_id, name)

    monkeypatch.setattr(PostgresPaymentFiles, "stage", sleepy)
    first = asyncio.create_task(treasury.create(run_id=run_id))
    await asleep.wait()
    await treasury.create(run_id=run_id, attempt=2)
    (name,) = treasury.picked_up()
    (treasury.pickup / name).unlink()
    wake.set()
    with pytest.raises(Exception, match="superseded"):
        await first
    assert treasury.picked_up() == {}
    assert len(await treasury.events()) == 1
