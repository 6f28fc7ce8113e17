"""The one access check, as routes use it: what may not be seen is not there, what may not be done is refused.

Every refusal is an audit entry. Both answers tell the same of what is hidden and of what is missing.
"""

import asyncio
from collections.abc import Coroutine, Hashable
from typing import Any
from uuid import UUID

import structlog

from services.gateway.core import (
    check_confirmation,
    client_not_found,
    is_client_name,
    job_not_found,
    scope_of,
)
from services.gateway.identity.asker import sees_job
from services.gateway.problems import ProblemError
from shared import subjects
from shared.access import (
    ADMINISTRATOR,
    TECHNICAL,
    Action,
    Principal,
    Verdict,
    decide_access,
    may_operate_platform,
)
from shared.audit import AuditEntry, audit
from shared.buckets import Bucket
from shared.bus import Bus
from shared.commands import (
    AlertsPage,
    AlertsQuery,
    DocumentDetail,
    DocumentQuery,
    PaymentFileDetail,
    PaymentFileQuery,
    ReportQuery,
    ReportRow,
    RunDetail,
    RunQuery,
    SchedulesPage,
    SchedulesQuery,
    Scope,
    SilencesPage,
    SilencesQuery,
    Trace,
    TraceQuery,
)
from shared.errors import Failure, TagwerkError
from shared.events import DocumentUploaded
from shared.jobs import CatalogueEntry

log = structlog.get_logger(__name__)

#: Sets of roles for which it is remembered which jobs they see.
_SORTS_OF_READERS = 1_000


class Gate:
    """Stands between a principal and everything else."""

    def __init__(self, bus: Bus, catalogue: Bucket[CatalogueEntry]) -> None:
        self._bus = bus
        self._catalogue = catalogue
        self._looking: set[asyncio.Task[None]] = set()
        #: The catalogue that was looked at last, and who sees which of its jobs: a page asks several times,
        #: and rarely has anything changed.
        self._looked_at: dict[str, CatalogueEntry] = {}
        self._seen: dict[Hashable, list[CatalogueEntry]] = {}

    async def jobs(self) -> list[CatalogueEntry]:
        """Every job of the catalogue, by id."""
        return [entry for _, entry in sorted((await self._catalogue.all()).items())]

    async def visible_jobs(self, principal: Principal) -> list[CatalogueEntry]:
        """By id, as far as the principal's token goes."""
        return [entry for entry in await self._seen_by(principal) if sees_job(principal, entry.id)]

    async def scope(self, principal: Principal, at_least: int = 0) -> dict[str, Any]:
        """The fields `scope` and `at_least` of a query."""
        return scope_of(principal, await self._seen_by(principal), at_least)

    async def _seen_by(self, principal: Principal) -> list[CatalogueEntry]:
        """The jobs that may be seen with these roles, by id."""
        entries = await self._catalogue.all()
        if entries is not self._looked_at or len(self._seen) > _SORTS_OF_READERS:
            self._looked_at, self._seen = entries, {}
        # All that the decision depends on where no client is meant.
        sort = principal.active, principal.roles
        if sort not in self._seen:
            self._seen[sort] = [
                entry
                for _, entry in sorted(entries.items())
                if decide_access(principal, entry.access).allowed
            ]
        return self._seen[sort]

    async def job_to_see(self, principal: Principal, id: str) -> CatalogueEntry:
        """Raises `job_not_found`."""
        entry = await self._catalogue.get(id)
        if entry is None:
            raise job_not_found(id)
        decision = decide_access(principal, entry.access)
        reason = None if decision.allowed else decision.reason
        if reason is None and not sees_job(principal, id):
            reason = f"this token of {principal.id} is not for {id}"
        if reason is not None:
            await self._record(principal, id, reason)
            raise job_not_found(id)
        return entry

    async def job_to_start(self, principal: Principal, id: str, client: str) -> CatalogueEntry:
        """Raises `job_not_found`, `client_not_found`, or `access_refused` with the missing role."""
        entry = await self.job_to_see(principal, id)
        await self.act_for(principal, client, id)
        decision = decide_access(principal, entry.access, Action.START, client)
        if decision.verdict is Verdict.FORBIDDEN:
            roles = sorted(entry.access.roles)
            await self.refuse(principal, id, decision.reason, client=client, roles_wanted=roles)
        assert decision.allowed, decision.reason
        return entry

    async def expect_confirmation(
        self,
        principal: Principal,
        entry: CatalogueEntry,
        client: str,
        confirm: str | None,
        reason: str | None,
        dry_run: bool,
    ) -> None:
        """Raises `confirmation_required`, and records that nothing was started."""
        try:
            check_confirmation(entry, confirm, reason, dry_run=dry_run)
        except TagwerkError:
            told = AuditEntry(
                action="start_refused",
                principal=principal.id,
                concern=entry.id,
                client=client,
                reason="its confirmation, or the reason for it, was missing",
            )
            await audit(self._bus, told)
            raise

    async def act_for(self, principal: Principal, client: str, concern: str) -> None:
        """Raises `client_not_found`."""
        # Who acts for every client does so for those that there can be: names are parts of paths.
        if not is_client_name(client) or not principal.may_act_for(client):
            reason = f"{principal.id} does not act for client {client}"
            await self._record(principal, concern, reason, client=client)
            raise client_not_found(client)

    async def operate(self, principal: Principal, concern: str) -> None:
        """Dead letters, rebuilds, accounts. Raises `access_refused`."""
        if not may_operate_platform(principal):
            roles = [ADMINISTRATOR, TECHNICAL]
            reason = f"{principal.id} lacks the role {' or '.join(roles)}"
            await self.refuse(principal, concern, reason, roles_wanted=roles)

    async def refuse(
        self, principal: Principal, concern: str, reason: str, *, client: str | None = None, **members: Any
    ) -> None:
        """Record the refusal, then raise it as `access_refused`."""
        await self._record(principal, concern, reason, client=client)
        failure = Failure(
            code="access_refused",
            cause=reason,
            concern=concern,
            next_step="Ask an administrator for the role.",
        )
        raise ProblemError(failure, **members)

    async def hide(
        self, principal: Principal, concern: str, *, client: str | None = None, reason: str | None = None
    ) -> None:
        """Record that somebody asked for what is not for them; they are told that it is not there."""
        await self._record(principal, concern, reason or f"{principal.id} may not see it", client=client)

    def look_for_hidden_payment_file(self, principal: Principal, file_id: UUID) -> None:
        """As for a run."""
        self._look(self._record_hidden_payment_file(principal, file_id))

    def look_for_hidden_report(self, principal: Principal, report_id: UUID) -> None:
        """As for a run."""
        self._look(self._record_hidden_report(principal, report_id))

    def look_for_hidden_alert(self, principal: Principal, alert_id: UUID) -> None:
        """As for a run."""
        self._look(self._record_hidden_alert(principal, alert_id))

    def look_for_hidden_silence(self, principal: Principal, silence_id: UUID) -> None:
        """As for a run."""
        self._look(self._record_hidden_silence(principal, silence_id))

    def look_for_hidden_schedule(self, principal: Principal, id: str) -> None:
        """As for a run."""
        self._look(self._record_hidden_schedule(principal, id))

    def look_for_hidden_trace(self, principal: Principal, asked: TraceQuery) -> None:
        """As for a run."""
        self._look(self._record_hidden_trace(principal, asked))

    def look_for_hidden_run(self, principal: Principal, run_id: UUID) -> None:
        """A run was not found: if it exists, this was a refusal. Looked up apart from the answer, so that
        the time it takes tells nothing."""
        self._look(self._record_hidden_run(principal, run_id))

    def look_for_hidden_document(
        self, principal: Principal, document_id: UUID, event: DocumentUploaded | None
    ) -> None:
        """As for a run; `event` is the document's upload, if this gateway knows it."""
        self._look(self._record_hidden_document(principal, document_id, event))

    def _look(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._looking.add(task)
        task.add_done_callback(self._looking.discard)

    async def _record_hidden_run(self, principal: Principal, run_id: UUID) -> None:
        try:
            run = await self._bus.ask(subjects.query("status", "run"), RunQuery(run_id=run_id), RunDetail)
            scope: Scope = (await self.scope(principal))["scope"]
        except TagwerkError:
            return
        # It may have come about since the answer.
        if not scope.sees(run.client, run.job):
            await self.hide(principal, f"run:{run_id}", client=run.client)

    async def _record_hidden_trace(self, principal: Principal, asked: TraceQuery) -> None:
        everything = asked.model_copy(update={"scope": Scope()})
        # It may have come about since the answer.
        if await self._is_there(everything) and not await self._is_there(asked):
            await self.hide(principal, f"trace:{asked.trace_id}")

    async def _is_there(self, asked: TraceQuery) -> bool:
        try:
            await self._bus.ask(subjects.query("status", "trace"), asked, Trace)
        except TagwerkError:
            return False
        return True

    async def _record_hidden_schedule(self, principal: Principal, id: str) -> None:
        query, subject = SchedulesQuery(id=id), subjects.query("scheduler", "schedules")
        try:
            found = await self._bus.ask(subject, query, SchedulesPage)
        except TagwerkError:
            return
        for row in found.items:
            await self.hide(principal, f"schedule:{id}", client=row.schedule.client)

    async def _record_hidden_alert(self, principal: Principal, alert_id: UUID) -> None:
        query = AlertsQuery(alert_id=alert_id, platform=True)
        try:
            found = await self._bus.ask(subjects.query("reporting", "alerts"), query, AlertsPage)
        except TagwerkError:
            return
        for row in found.items:
            await self.hide(principal, f"alert:{alert_id}", client=row.client)

    async def _record_hidden_silence(self, principal: Principal, silence_id: UUID) -> None:
        query = SilencesQuery(silence_id=silence_id)
        try:
            found = await self._bus.ask(subjects.query("reporting", "silences"), query, SilencesPage)
        except TagwerkError:
            return
        for _ in found.items:
            await self.hide(principal, f"silence:{silence_id}")

    async def _record_hidden_payment_file(self, principal: Principal, file_id: UUID) -> None:
        query = PaymentFileQuery(file_id=file_id)
        subject = subjects.query("integrations", "payment-file")
        try:
            file = await self._bus.ask(subject, query, PaymentFileDetail)
        except TagwerkError:
            return
        await self.hide(principal, f"payment file:{file_id}", client=file.client)

    async def _record_hidden_report(self, principal: Principal, report_id: UUID) -> None:
        query, subject = ReportQuery(report_id=report_id), subjects.query("reporting", "report")
        try:
            report = await self._bus.ask(subject, query, ReportRow)
        except TagwerkError:
            return
        await self.hide(principal, f"report:{report_id}", client=report.client)

    async def _record_hidden_document(
        self, principal: Principal, document_id: UUID, event: DocumentUploaded | None
    ) -> None:
        client = event.client if event else None
        if client is None:
            query = DocumentQuery(document_id=document_id)
            try:
                document = await self._bus.ask(subjects.query("documents", "document"), query, DocumentDetail)
            except TagwerkError:
                return
            client = document.client
        await self.hide(principal, f"document:{document_id}", client=client)

    async def _record(
        self, principal: Principal, concern: str, reason: str, *, client: str | None = None
    ) -> None:
        entry = AuditEntry(
            action="access_refused", principal=principal.id, concern=concern, client=client, reason=reason
        )
        await audit(self._bus, entry)

    async def settle(self) -> None:
        """Wait for what is still being looked up."""
        await asyncio.gather(*self._looking, return_exceptions=True)
