"""The composition root of the reporting service."""

from collections.abc import Mapping
from pathlib import Path
from typing import Final

import structlog

from services.reporting import handlers, queries
from services.reporting.alerts.app import add_alerts
from services.reporting.alerts.rules_file import read_rules
from services.reporting.archive import Archive, KeptArchive
from services.reporting.audit_log.entries import AskedAuditLog, AuditLog
from services.reporting.core import InvoiceEvent
from services.reporting.day import Today
from services.reporting.declaration import CASES_CLOSED, CASES_OPENED, DECLARATION, INVOICE_EVENTS
from services.reporting.delivery import Delivery, RealDelivery
from services.reporting.due_dates.invoices import DueInvoices, KnownDueInvoices
from services.reporting.exceptions.known import Exceptions, KnownExceptions
from services.reporting.following.follower import Followed, Follower
from services.reporting.following.lead import keep_leading
from services.reporting.following.rows import (
    read_dead_letters,
    read_occurrences,
    read_runs,
    write_dead_letters,
    write_occurrences,
    write_runs,
)
from services.reporting.jobs.send_now import send_now
from services.reporting.recipients import RecipientList
from services.reporting.reminded.known import KnownReminded, Reminded
from services.reporting.reminders.planning import KeptPlanning, Planning
from services.reporting.reminders.post import Post, RealPost
from services.reporting.reminders.queries import reminders_of
from services.reporting.reminders.rules_file import read_rules as read_reminder_rules
from services.reporting.rendering import LIMITS, ChildRenderer
from services.reporting.reports import KeptReports, Reports
from services.reporting.store import CaseClosed, CaseOpened
from services.reporting.streams import REPORTS
from shared.clients.smtp import MailServer, SmtpSystem
from shared.commands import RemindersQuery, ReportQuery, ReportsQuery
from shared.entry import serve
from shared.files import Files, open_store
from shared.folders import probe_folder
from shared.process import Children
from shared.runner.attempt import Attempt
from shared.runner.context import Calls
from shared.service import Service
from shared.settings import Settings
from shared.subjects import DEAD, OCCURRENCES, RUNS, query
from shared.triggers import EventHandler
from shared.workplace import remove_abandoned_workplaces

log = structlog.get_logger(__name__)

MIGRATIONS = Path(__file__).parent / "migrations"
#: The checkout or image that this runs from; an installed wheel has no docs to look for.
ROOT = Path(__file__).parents[2]
#: Whose reports everybody may see who may send some: of others not even the names are told.
SENT_NOW: Final = tuple(job.id for job in DECLARATION.jobs if job.access == send_now.access)
#: What exception reports are made of, besides events.
FOLLOWED: Final = (
    Followed(RUNS, read_runs, write_runs),
    Followed(OCCURRENCES, read_occurrences, write_occurrences),
    Followed(DEAD, read_dead_letters, write_dead_letters, forget="delete from dead_letters"),
)


def build(settings: Settings) -> Service:
    """The service, ready to start. Raises `mail_settings_invalid`, `alert_rules_invalid`,
    `reminder_rules_invalid`."""
    files = open_store(settings.files_url)
    server = (
        MailServer.of(settings.smtp_url, settings.mail_from, settings.smtp_ca_file)
        if settings.smtp_url
        else None
    )
    domains = _domains(settings.mail_domains)
    rules = read_rules(settings.alert_rules, mails=server is not None, domains=domains)
    reminder_rules = read_reminder_rules(settings.reminder_rules)
    renderer = ChildRenderer(Children(settings.cpu_slots, LIMITS))
    if removed := remove_abandoned_workplaces():
        log.info("removed temporary files of workers that were killed", folders=len(removed))

    async def record(event: InvoiceEvent) -> None:
        await handlers.record_invoice_event(service.pool, event)

    def reports(attempt: Attempt) -> KeptReports:
        store = Files(files, attempt.context.client)
        return KeptReports(attempt.outbox, attempt.context, store, renderer)

    def due_invoices(attempt: Attempt) -> KnownDueInvoices:
        return KnownDueInvoices(attempt.outbox, attempt.context, Today.in_zone(settings.time_zone))

    def exceptions(attempt: Attempt) -> KnownExceptions:
        day = Today.in_zone(settings.time_zone).day
        return KnownExceptions(
            attempt.outbox, attempt.context, attempt.bus, service.pool, settings.time_zone, day
        )

    def audit_log(attempt: Attempt) -> AskedAuditLog:
        zone = settings.time_zone
        return AskedAuditLog(attempt.bus, attempt.context, zone, Today.in_zone(zone))

    def delivery(attempt: Attempt) -> RealDelivery:
        folder, context = settings.reports_folder, attempt.context
        recipients = RecipientList(attempt.outbox, context.client, context.run_id)
        own = folder / attempt.context.client if folder else None
        return RealDelivery(attempt.effects, recipients, attempt.calls, server, domains, own)

    def reminded(attempt: Attempt) -> KnownReminded:
        return KnownReminded(attempt.outbox, attempt.context, Today.in_zone(settings.time_zone))

    def planning(attempt: Attempt) -> KeptPlanning:
        today = Today.in_zone(settings.time_zone).day
        return KeptPlanning(attempt.outbox, attempt.context, attempt.bus, reminder_rules, today)

    def post(attempt: Attempt) -> RealPost:
        return RealPost(
            attempt.effects,
            attempt.outbox,
            attempt.context,
            attempt.calls,
            server,
            domains,
            settings.public_url,
            Today.in_zone(settings.time_zone).day,
        )

    async def mail_probe(client: str) -> str:
        if server is None:
            return "no mail server is set, so nothing can be mailed"
        return await SmtpSystem(server, Calls(lambda call: None)).knock()

    async def folder_probe(client: str) -> str:
        if settings.reports_folder is None:
            return "no folder is set, so reports lie in the file store only"
        return await probe_folder(settings.reports_folder / client)

    async def open_case(event: CaseOpened) -> None:
        await handlers.record_case_opened(service.pool, event)

    async def close_case(event: CaseClosed) -> None:
        await handlers.record_case_closed(service.pool, event)

    async def follow() -> None:
        follower = Follower(service.bus.nc, REPORTS, FOLLOWED)
        await keep_leading(settings.database_url, REPORTS, follower.follow)

    on_event: Mapping[str, EventHandler] = {
        **dict.fromkeys(INVOICE_EVENTS, record),
        **dict.fromkeys(CASES_OPENED, open_case),
        **dict.fromkeys(CASES_CLOSED, close_case),
    }
    service = Service(
        DECLARATION,
        settings,
        migrations=MIGRATIONS,
        providers={
            Today: lambda attempt: Today.in_zone(settings.time_zone),
            Reports: reports,
            DueInvoices: due_invoices,
            Exceptions: exceptions,
            AuditLog: audit_log,
            Archive: lambda attempt: KeptArchive(attempt.outbox, attempt.context, attempt.bus),
            Delivery: delivery,
            Planning: planning,
            Reminded: reminded,
            Post: post,
        },
        on_event=on_event,
        choices={"report": lambda query: queries.report_choices(service.pool, SENT_NOW, query)},
        probes={
            "mail-server": mail_probe,
            "file-store": lambda client: Files(files, client).probe(),
            "reports-folder": folder_probe,
        },
        rule_files={"alerts": settings.alert_rules, "reminders": settings.reminder_rules},
        root=ROOT if (ROOT / "docs").is_dir() else None,
    )
    add_alerts(service, rules, server)
    service.background("exceptions", follow)
    service.answer(
        query("reporting", "reports"),
        ReportsQuery,
        lambda request: queries.list_reports(service.pool, request),
    )
    service.answer(
        query("reporting", "reminders"),
        RemindersQuery,
        lambda request: reminders_of(service.pool, request),
    )
    service.answer(
        query("reporting", "report"),
        ReportQuery,
        lambda request: queries.read_report(service.pool, request),
    )
    return service


def _domains(written: str | None) -> frozenset[str] | None:
    """Those that mails may go to, from the setting; None for all."""
    if written is None:
        return None
    return frozenset(domain.strip().lower() for domain in written.split(",") if domain.strip())


def main() -> None:
    serve(build)
