"""The composition root of the reporting service."""

from collections.abc import Mapping
from pathlib import Path

import structlog

from services.reporting import handlers, queries
from services.reporting.core import InvoiceEvent
from services.reporting.day import Today
from services.reporting.declaration import DECLARATION
from services.reporting.delivery import Delivery, RealDelivery
from services.reporting.rendering import LIMITS, ChildRenderer
from services.reporting.reports import KeptReports, Reports
from shared.clients.smtp import MailServer, SmtpSystem
from shared.commands import ReportQuery, ReportsQuery
from shared.files import Files, open_store
from shared.folders import probe_folder
from shared.process import Children
from shared.runner.attempt import Attempt
from shared.runner.context import Calls
from shared.service import Service
from shared.settings import Settings
from shared.subjects import query
from shared.triggers import EventHandler
from shared.workplace import remove_abandoned_workplaces

log = structlog.get_logger(__name__)

MIGRATIONS = Path(__file__).parent / "migrations"
#: The checkout or image that this runs from; an installed wheel has no docs to look for.
ROOT = Path(__file__).parents[2]


def build(settings: Settings) -> Service:
    """The service, ready to start. Raises `mail_settings_invalid`."""
    files = open_store(settings.files_url)
    server = (
        MailServer.of(settings.smtp_url, settings.mail_from, settings.smtp_ca_file)
        if settings.smtp_url
        else None
    )
    domains = _domains(settings.mail_domains)
    renderer = ChildRenderer(Children(settings.cpu_slots, LIMITS))
    if removed := remove_abandoned_workplaces():
        log.info("removed temporary files of workers that were killed", folders=len(removed))

    async def record(event: InvoiceEvent) -> None:
        await handlers.record_invoice_event(service.pool, event)

    def reports(attempt: Attempt) -> KeptReports:
        client, today = attempt.context.client, Today.in_zone(settings.time_zone)
        return KeptReports(attempt.outbox, attempt.context, Files(files, client), renderer, today.day)

    def delivery(attempt: Attempt) -> RealDelivery:
        folder = settings.reports_folder
        own = folder / attempt.context.client if folder else None
        return RealDelivery(attempt.effects, attempt.calls, server, domains, own)

    async def mail_probe(client: str) -> str:
        if server is None:
            return "no mail server is set, so nothing can be mailed"
        return await SmtpSystem(server, Calls(lambda call: None)).knock()

    async def folder_probe(client: str) -> str:
        if settings.reports_folder is None:
            return "no folder is set, so reports lie in the file store only"
        return await probe_folder(settings.reports_folder / client)

    on_event: Mapping[str, EventHandler] = dict.fromkeys(DECLARATION.listens, record)
    service = Service(
        DECLARATION,
        settings,
        migrations=MIGRATIONS,
        providers={
            Today: lambda attempt: Today.in_zone(settings.time_zone),
            Reports: reports,
            Delivery: delivery,
        },
        on_event=on_event,
        probes={
            "mail-server": mail_probe,
            "file-store": lambda client: Files(files, client).probe(),
            "reports-folder": folder_probe,
        },
        root=ROOT if (ROOT / "docs").is_dir() else None,
    )
    service.answer(
        query("reporting", "reports"),
        ReportsQuery,
        lambda request: queries.list_reports(service.pool, request),
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
    build(Settings()).run()
