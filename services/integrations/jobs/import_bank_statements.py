"""`integrations.import-bank-statements`: what the bank booked, each transaction once, and which invoices it
pays.
"""

from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Annotated, Any

from pydantic import Field

from services.integrations.bank.balances import balance_problem, why_unchecked
from services.integrations.bank.core import statement_of
from services.integrations.bank.reading import OpenFile, StatementFiles
from services.integrations.bank.store import BankStore
from shared.access import Access
from shared.choices import ChosenFrom
from shared.errors import Failure, TagwerkError
from shared.events import Record
from shared.files import Stored
from shared.incoming import IncomingFile, name_of
from shared.jobs import Retry, Safe, exponential, job, minutes, seconds
from shared.runner.context import Progress, RunContext, RunLog
from shared.words import Kind, Level, Outcome


@job(
    "integrations.import-bank-statements",
    title="Import bank statements",
    kind=Kind.INTEGRATION,
    owner="Accounting",
    access=Access(module="bank", level=Level.OPERATIONAL, roles=frozenset({"accounting", "trustee"})),
    expected_runtime=minutes(2),
    timeout=minutes(60),
    retry=Retry(attempts=3, backoff=exponential(seconds(5))),
    repeat=Safe(
        "a transaction is known by account, day, amount and references; what is stored already stays "
        "unchanged, whichever file and format it comes in again"
    ),
    output="bank transactions, and an event for each invoice that they pay",
    expected_result="each transaction of the account once, balances that join, paid invoices marked as paid",
    logs="service=integrations job=integrations.import-bank-statements",
    troubleshooting="docs/jobs/import-bank-statements.md",
    cpu_bound=True,
)
async def import_bank_statements(
    file: Annotated[
        IncomingFile | None,
        ChosenFrom("inbox-bank"),
        Field(description="A file of inbox/bank, or an upload; none: every new file of inbox/bank"),
    ] = None,
    *,
    files: StatementFiles,
    store: BankStore,
    context: RunContext,
    log: RunLog,
    progress: Progress,
) -> AsyncIterator[Sequence[Record]]:
    """Read bank statements (camt.052, camt.053, camt.054, MT940), store what is new, and match what was paid.

    A statement that does not add up is refused as a whole, an entry that cannot be read by itself; the others
    go on.
    """
    if file is not None:
        async with files.open(file) as opened:
            async for records in _import(opened, name_of(file), store, log, progress):
                yield records
        return
    for waiting in await store.new_files(await files.waiting()):
        failed = 0
        try:
            async with files.open(waiting.name) as opened:
                async for records in _import(opened, waiting.name, store, log, progress):
                    failed += sum(record.outcome is Outcome.FAILED for record in records)
                    yield records
        except TagwerkError as error:
            if error.failure.retryable:
                raise
            yield [_unreadable(waiting, error.failure)]
            continue
        if not failed and context.only_records is None:
            await store.remember_file(waiting)


async def _import(
    opened: OpenFile, name: str, store: BankStore, log: RunLog, progress: Progress
) -> AsyncIterator[Sequence[Record]]:
    total = sum(head["entries"] for head in opened.heads)
    done = 0
    for number, head in enumerate(opened.heads):
        account = await store.account_named(head["account"]) if head["account"] else ""
        statement = statement_of(head, account)
        origin = f"{name}/{head['name']}" if head["name"] else name
        if failure := _why_refused(head, statement.key) or balance_problem(statement):
            log.error(
                "a statement was refused", statement=statement.label, code=failure.code, cause=failure.cause
            )
            yield [await store.refuse(statement, failure)]
            continue
        importing = await store.begin(statement, origin)
        warnings = list(importing.warnings)
        if unchecked := why_unchecked(statement):
            warnings.append(f"its balances were not checked: {unchecked}")
        for warning in warnings:
            log.warning(warning, statement=statement.label, file=origin)
        async for entries in opened.batches(number, statement):
            yield await importing.store(entries)
            done += len(entries)
            await progress(done, total)
        yield await importing.complete(warnings)


def _why_refused(head: Mapping[str, Any], key: str) -> Failure | None:
    """Why a statement cannot be used at all."""
    if head["broken"]:
        code, cause = head["broken"]
        step = (
            "Nothing of this statement was stored. Get the whole file again from the bank, and import that."
        )
        return Failure(
            code=code, cause=f"the file breaks off in this statement: {cause}", concern=key, next_step=step
        )
    cause = head["problem"]
    if cause is None and not head["account"]:
        cause = "it names no account"
    if cause is None and not head["currency"] and head["entries"]:
        cause = "neither a balance nor the account tells its currency"
    if cause is None:
        return None
    step = "Nothing of this statement was stored. Ask the bank for a corrected one, and import that."
    return Failure(code="statement_invalid", cause=cause, concern=key, next_step=step)


def _unreadable(file: Stored, failure: Failure) -> Record:
    return Record(key=f"bank-file:{file.name}", outcome=Outcome.FAILED, label=file.name, failure=failure)
