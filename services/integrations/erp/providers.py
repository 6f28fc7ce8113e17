"""What jobs of the ERP are given: the way of exporting that is their client's, and the ERP itself."""

import httpx
from obstore.store import ObjectStore

from services.integrations.erp.datev import DatevExporter
from services.integrations.erp.exporting import Exporter
from services.integrations.erp.rest.api import ERP
from services.integrations.erp.rest.booking_store import PostgresErpBookings
from services.integrations.erp.rest.connection import HttpErp
from services.integrations.erp.rest.documents import StoredDocuments
from services.integrations.erp.rest.exporter import RestExporter
from services.integrations.erp.rules import ErpRules
from services.integrations.erp.sftp import handover_of, probe_erp_folder, probe_erp_sftp
from services.integrations.erp.store import PostgresErpExports
from shared.clients.http import HttpSystem
from shared.files import Files
from shared.probes import Probe
from shared.runner.attempt import Attempt
from shared.runner.context import Calls
from shared.words import BookedIn, ErpList

#: Seconds that a look at the ERP may take: less than the preflight waits.
_LOOK = httpx.Timeout(2.0)


def connection(attempt: Attempt, rules: ErpRules) -> HttpErp:
    client = attempt.context.client
    return HttpErp(rules.rest.get(client), client, attempt.calls)


def exporter(attempt: Attempt, rules: ErpRules, store: ObjectStore) -> Exporter:
    """Raises `erp_not_set_up`."""
    context, files = attempt.context, Files(store, attempt.context.client)
    if rules.booked_in(context.client) is BookedIn.ERP:
        return RestExporter(
            connection(attempt, rules),
            PostgresErpBookings(attempt.outbox, context),
            StoredDocuments(files),
            attempt.effects,
            attempt.log,
            attempt.progress,
        )
    datev = rules.of_client(context.client)
    return DatevExporter(
        PostgresErpExports(attempt.outbox, context, datev),
        handover_of(datev, files, attempt.calls),
        attempt.log,
        attempt.progress,
    )


def erp_folder_probe(rules: ErpRules) -> Probe:
    async def look(client: str) -> str:
        if rules.booked_in(client) is BookedIn.ERP:
            return "invoices of this client are booked in the ERP over its interface, without a folder"
        return await probe_erp_folder(rules.of_client(client))

    return look


def erp_sftp_probe(rules: ErpRules) -> Probe:
    async def look(client: str) -> str:
        if rules.booked_in(client) is BookedIn.ERP:
            return "invoices of this client are booked in the ERP over its interface, without an SFTP server"
        return await probe_erp_sftp(rules.of_client(client))

    return look


def erp_probe(rules: ErpRules) -> Probe:
    """Whether the ERP takes our token."""

    async def look(client: str) -> str:
        if client not in rules.rest and client in rules.of:
            return "invoices of this client go to DATEV as files, and there is no ERP that can be asked"
        erp = HttpErp(rules.rest.get(client), client, Calls(lambda call: None)).settings()
        headers = {"Authorization": f"Bearer {erp.token()}"}
        async with HttpSystem(ERP, Calls(lambda call: None), timeout=_LOOK, headers=headers) as outside:
            status = await outside.knock("probe", f"{erp.url}/{ErpList.SUPPLIERS}?limit=1")
        return f"it answers ({status})"

    return look
