"""`integrations.create-payment-file`: approved invoices that are due become payment files, each once."""

from collections.abc import AsyncIterator, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Annotated, Final
from uuid import UUID

from pydantic import Field

from services.integrations.payments.accounts import Account, Accounts
from services.integrations.payments.handover import Handover
from services.integrations.payments.payable import Wish
from services.integrations.payments.store import BegunFile, PaymentFiles
from shared.access import Access
from shared.choices import ChosenFrom
from shared.errors import TagwerkError
from shared.events import Record
from shared.jobs import Retry, Risky, exponential, job, minutes, seconds
from shared.runner.context import Progress, RunContext, RunLog
from shared.words import Danger, Kind, Level, Outcome

#: Days from today until which an invoice counts as due, if nothing else is said.
DUE_WITHIN: Final = timedelta(days=7)


@job(
    "integrations.create-payment-file",
    title="Create payment file",
    kind=Kind.INTEGRATION,
    owner="Treasury",
    access=Access(module="payments", level=Level.OPERATIONAL, roles=frozenset({"accounting", "trustee"})),
    expected_runtime=minutes(1),
    retry=Retry(attempts=3, backoff=exponential(seconds(5))),
    repeat=Risky(
        "each run makes new payment files of the invoices that were approved or fell due since the last one, "
        "and the bank pays what it is given; no invoice is ordered twice"
    ),
    danger=Danger.EXTERNAL_BOOKING,
    limit=1,
    dry_run=True,
    locations=["file-store", "payments-folder"],
    output="payment files (pain.001.001.09), one for each bank, and an event for each invoice in them",
    expected_result="every approved invoice that is due stands in one payment file, or has its reason",
    logs="service=integrations job=integrations.create-payment-file",
    troubleshooting="docs/jobs/create-payment-file.md",
)
async def create_payment_file(
    account: Annotated[
        str | None,
        ChosenFrom("account"),
        Field(max_length=42, description="IBAN to pay from; none: the first account that fits"),
    ] = None,
    until: Annotated[
        date | None, Field(description="Invoices due until this day; none: within 7 days")
    ] = None,
    execution_date: Annotated[
        date | None,
        Field(description="When the bank is to pay; none: when due, at the earliest the next working day"),
    ] = None,
    currency: Annotated[
        str | None,
        ChosenFrom("payable-currency"),
        Field(pattern=r"^[A-Z]{3}$", description="Only invoices in this currency (ISO 4217)"),
    ] = None,
    documents: Annotated[
        list[UUID],
        ChosenFrom("payable"),
        Field(max_length=5_000, description="Only these, whenever due; none: all that are due"),
    ] = [],  # noqa: B006
    *,
    accounts: Accounts,
    store: PaymentFiles,
    handover: Handover,
    context: RunContext,
    log: RunLog,
    progress: Progress,
) -> AsyncIterator[Sequence[Record]]:
    """Order the approved invoices that are due: payment files for Swiss and SEPA payments, each invoice once.

    A file that an earlier run or attempt has begun is completed first, with the same id and the same bytes.
    There is no place to stop between the decision what is ordered and its end: a cancel comes before, or
    after. A dry run tells which invoices would be ordered, and the sum for each account.
    """
    wish = _wish(datetime.now(UTC).date(), account, until, execution_date, currency, documents)
    own = accounts.of.get(context.client, ())
    _check_accounts(context.client, own, wish)
    if context.dry_run:
        yield [_to_complete(file) for file in await store.begun()]
        yield await store.foresee(wish)
        return
    yield await store.told()
    for file in await store.begun():
        log.info("completes a file that was begun before", file=file.id)
        await handover.hand_over(file, store)
        yield await store.complete(file.id)
    left_out = await store.reserve(wish)
    made: list[Record] = []
    for file in await store.begun():
        await handover.hand_over(file, store)
        made += await store.complete(file.id)
        await progress(len(left_out) + len(made), None, f"payment file {file.id}")
    yield [*left_out, *made]


def _to_complete(file: BegunFile) -> Record:
    return Record(
        key=f"payment-file:{file.id}",
        outcome=Outcome.UPDATED,
        label=f"{file.id}.xml",
        message="it was begun before, and would be completed first",
    )


def _wish(
    today: date,
    account: str | None,
    until: date | None,
    execution_date: date | None,
    currency: str | None,
    documents: list[UUID],
) -> Wish:
    """Raises `execution_date_past`."""
    if execution_date is not None and execution_date < today:
        raise TagwerkError(
            "execution_date_past",
            f"{execution_date} is past; a bank executes nothing before {today}",
            concern="execution_date",
            next_step="Choose a day from today on, or leave it out.",
        )
    return Wish(
        today=today,
        until=until or today + DUE_WITHIN,
        account=None if account is None else "".join(account.split()).upper(),
        execution_date=execution_date,
        currency=currency,
        documents=frozenset(documents),
    )


def _check_accounts(client: str, own: Sequence[Account], wish: Wish) -> None:
    """Raises `accounts_missing` and `account_unknown`."""
    if not own:
        raise TagwerkError(
            "accounts_missing",
            f"no account of client {client} is known to pay from",
            concern=client,
            next_step="Add its accounts to the file that TAGWERK_ACCOUNTS_FILE names, and start the service "
            "again.",
        )
    if wish.account is not None and all(account.iban != wish.account for account in own):
        raise TagwerkError(
            "account_unknown",
            f"{wish.account} is none of client {client}'s accounts: {', '.join(one.iban for one in own)}",
            concern="account",
            next_step="Name one of these, or add the account to the file that TAGWERK_ACCOUNTS_FILE names.",
        )
