"""The composition root of the integrations service."""

import asyncio
import gc
from pathlib import Path

import structlog

from services.integrations import choices, handlers
from services.integrations.agents import queries as agent_queries
from services.integrations.agents.hearing import Hearing
from services.integrations.agents.store import AgentStore
from services.integrations.bank import queries as bank_queries
from services.integrations.bank.reading import AREA as BANK_AREA
from services.integrations.bank.reading import LIMITS, PRELOAD, ChildStatementFiles, StatementFiles
from services.integrations.bank.store import BankStore, PostgresBank
from services.integrations.declaration import DECLARATION
from services.integrations.erp import providers as erp_providers
from services.integrations.erp import queries as erp_queries
from services.integrations.erp.exporting import Exporter
from services.integrations.erp.rest.connection import ErpConnection
from services.integrations.erp.rest.entry_store import EntryStore, PostgresEntries
from services.integrations.erp.rest.payment_store import PaymentComparison, PostgresPaymentComparison
from services.integrations.erp.rules import read_erp_rules
from services.integrations.mail.door import IntakeDoor, MailDoor
from services.integrations.mail.mailboxes import Mailboxes, read_mailboxes
from services.integrations.mail.server import ImapServer, MailServer, mail_server_probe
from services.integrations.mail.store import MailStore, PostgresMails
from services.integrations.payments import queries as payment_queries
from services.integrations.payments.accounts import Accounts, read_accounts
from services.integrations.payments.handover import FileHandover, Handover
from services.integrations.payments.reading import AREA as PAYMENTS_AREA
from services.integrations.payments.reading import StatusFiles
from services.integrations.payments.status_store import PaymentStatuses, PostgresPaymentStatuses
from services.integrations.payments.store import PaymentFiles, PostgresPaymentFiles
from services.integrations.payments.withholding import withhold
from services.integrations.rates import queries as rates_queries
from services.integrations.rates.feed import AREA as RATES_AREA
from services.integrations.rates.feed import Addresses, HttpFeed, RatesFeed
from services.integrations.rates.store import PostgresRates, RateStore
from shared import subjects
from shared.commands import (
    AgentsQuery,
    BankStatementsQuery,
    BankTransactionsQuery,
    ErpEntriesQuery,
    PayablesQuery,
    PaymentFileQuery,
    PaymentFilesQuery,
    RatesQuery,
    WithholdPayment,
)
from shared.entry import serve
from shared.events import DocumentUploaded, InvoiceApproved, InvoiceCorrected, InvoiceRejected
from shared.files import Files, open_store
from shared.folders import probe_folder
from shared.incoming import Incoming
from shared.intake import Intake
from shared.nursery import Nursery
from shared.outbox import Outbox
from shared.probes import http_probe
from shared.process import Children
from shared.pull import Delivery, Source
from shared.runner.attempt import Attempt
from shared.service import Service
from shared.settings import Settings
from shared.subjects import WITHHOLD, query
from shared.workplace import remove_abandoned_workplaces

log = structlog.get_logger(__name__)

MIGRATIONS = Path(__file__).parent / "migrations"
#: Messages of agents in hand at once.
AGENT_SLOTS = 8
#: The checkout or image that this runs from; an installed wheel has no docs to look for.
ROOT = Path(__file__).parents[2]


def build(settings: Settings) -> Service:
    """The service, ready to start. Raises `accounts_file_invalid`, `mailboxes_file_invalid` and
    `erp_file_invalid`."""
    files = open_store(settings.files_url)
    addresses = Addresses(settings.ecb_daily_url, settings.ecb_history_url, settings.bazg_daily_url)
    accounts = read_accounts(settings.accounts_file)
    mailboxes = read_mailboxes(settings.mailboxes_file)
    erp_rules = read_erp_rules(settings.erp_file)
    nursery = Nursery(PRELOAD)
    children = Children(settings.cpu_slots, LIMITS, nursery=nursery)
    if removed := remove_abandoned_workplaces():
        log.info("removed temporary files of workers that were killed", folders=len(removed))

    async def record_document_uploaded(event: DocumentUploaded) -> None:
        await handlers.record_document_uploaded(service.pool, event)

    async def record_invoice_corrected(event: InvoiceCorrected) -> None:
        await handlers.record_invoice_corrected(service.pool, event)

    async def record_invoice_approved(event: InvoiceApproved) -> None:
        await handlers.record_invoice_approved(service.pool, event)

    async def record_invoice_rejected(event: InvoiceRejected) -> None:
        await handlers.record_invoice_rejected(service.pool, event)

    def mail_door(attempt: Attempt) -> MailDoor:
        intake = Intake(service.pool, service.relay, files, size_limit=settings.upload_limit)
        return IntakeDoor(intake, attempt.context, settings.upload_limit)

    def handover(client: str) -> FileHandover:
        folder = settings.payments_folder
        return FileHandover(Files(files, client), folder / client if folder else None)

    async def pickup_probe(client: str) -> str:
        if settings.payments_folder is None:
            return "no folder is set, so payment files lie in the file store only"
        return await probe_folder(settings.payments_folder / client)

    service = Service(
        DECLARATION,
        settings,
        migrations=MIGRATIONS,
        providers={
            RatesFeed: lambda attempt: HttpFeed(
                attempt.calls, addresses, Incoming(Files(files, attempt.context.client), RATES_AREA)
            ),
            RateStore: lambda attempt: PostgresRates(attempt.outbox, attempt.context),
            StatementFiles: lambda attempt: ChildStatementFiles(
                Incoming(Files(files, attempt.context.client), BANK_AREA), children
            ),
            BankStore: lambda attempt: PostgresBank(attempt.outbox, attempt.context),
            Accounts: lambda attempt: accounts,
            Handover: lambda attempt: handover(attempt.context.client),
            PaymentFiles: lambda attempt: PostgresPaymentFiles(
                attempt.outbox, attempt.context, accounts.of.get(attempt.context.client, ())
            ),
            PaymentStatuses: lambda attempt: PostgresPaymentStatuses(attempt.outbox, attempt.context),
            StatusFiles: lambda attempt: StatusFiles(Files(files, attempt.context.client)),
            Exporter: lambda attempt: erp_providers.exporter(attempt, erp_rules, files),
            ErpConnection: lambda attempt: erp_providers.connection(attempt, erp_rules),
            EntryStore: lambda attempt: PostgresEntries(attempt.outbox, attempt.context),
            PaymentComparison: lambda attempt: PostgresPaymentComparison(attempt.outbox, attempt.context),
            Mailboxes: lambda attempt: mailboxes,
            MailServer: lambda attempt: ImapServer(attempt.calls),
            MailDoor: mail_door,
            MailStore: lambda attempt: PostgresMails(attempt.outbox, attempt.context),
            AgentStore: lambda attempt: AgentStore(service.pool, attempt.outbox, attempt.context),
        },
        on_event={
            "event.document.uploaded": record_document_uploaded,
            "event.invoice.approved": record_invoice_approved,
            "event.invoice.corrected": record_invoice_corrected,
            "event.invoice.rejected": record_invoice_rejected,
        },
        probes={
            "ecb": http_probe("ecb", addresses.ecb_daily),
            "bazg": http_probe("bazg", addresses.bazg_daily),
            "mail-server": mail_server_probe(mailboxes),
            "file-store": lambda client: Files(files, client).probe(),
            "payments-folder": pickup_probe,
            "erp": erp_providers.erp_probe(erp_rules),
            "erp-folder": erp_providers.erp_folder_probe(erp_rules),
            "erp-sftp": erp_providers.erp_sftp_probe(erp_rules),
            "mqtt-agent": lambda client: agent_queries.probe(service.pool, client),
        },
        choices={
            "agent": lambda query: agent_queries.choose_agent(service.pool, query),
            "agent-action": lambda query: agent_queries.choose_action(service.pool, query),
            "account": choices.own_accounts(accounts),
            "bookable": lambda query: choices.bookables(service.pool, query),
            "mailbox": choices.own_mailboxes(mailboxes),
            "payable": lambda query: choices.payables(service.pool, query),
            "payable-currency": lambda query: choices.payable_currencies(service.pool, query),
            "rate-currency": lambda query: choices.rate_currencies(service.pool, query),
            **{
                f"inbox-{area}": choices.inbox(files, area) for area in (BANK_AREA, RATES_AREA, PAYMENTS_AREA)
            },
        },
        rule_files={
            "own-accounts": settings.accounts_file,
            "mailboxes": settings.mailboxes_file,
            "erp": settings.erp_file,
        },
        root=ROOT if (ROOT / "docs").is_dir() else None,
    )
    service.background("nursery", nursery.keep)

    def hearing() -> Hearing:
        intake = Intake(service.pool, service.relay, files, size_limit=settings.upload_limit)
        return Hearing(service.bus, service.pool, service.relay, intake)

    async def hear(delivery: Delivery) -> None:
        await hearing().handle(delivery)

    async def settle_doubts() -> None:
        while True:
            await hearing().settle_doubts()
            await asyncio.sleep(1)

    service.source(Source(subjects.INGRESS, subjects.AGENTS_DURABLE, hear), slots=AGENT_SLOTS)
    service.background("late-answers", settle_doubts)
    service.answer(
        query("integrations", "agents"),
        AgentsQuery,
        lambda request: agent_queries.list_agents(service.pool, request),
    )
    service.answer(
        WITHHOLD, WithholdPayment, lambda asked: withhold(Outbox(service.pool, service.relay), asked)
    )
    service.answer(
        query("integrations", "rates"),
        RatesQuery,
        lambda request: rates_queries.list_rates(service.pool, request),
    )
    service.answer(
        query("integrations", "erp-entries"),
        ErpEntriesQuery,
        lambda request: erp_queries.list_entries(service.pool, request),
    )
    service.answer(
        query("integrations", "bank-transactions"),
        BankTransactionsQuery,
        lambda request: bank_queries.list_transactions(service.pool, request),
    )
    service.answer(
        query("integrations", "bank-statements"),
        BankStatementsQuery,
        lambda request: bank_queries.list_statements(service.pool, request),
    )
    service.answer(
        query("integrations", "payables"),
        PayablesQuery,
        lambda request: payment_queries.list_payables(service.pool, request),
    )
    service.answer(
        query("integrations", "payment-files"),
        PaymentFilesQuery,
        lambda request: payment_queries.list_files(service.pool, request),
    )
    service.answer(
        query("integrations", "payment-file"),
        PaymentFileQuery,
        lambda request: payment_queries.read_file(service.pool, request),
    )
    return service


def main() -> None:
    # Imports make many objects that live for one batch; looking through all of them again and again, as the
    # collector does by default, takes a good part of their time.
    gc.set_threshold(100_000, 50, 100)
    serve(build)
