"""What went wrong, from the read model, as far as the one who asks may see it."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from typing import Any, Final, Protocol
from zoneinfo import ZoneInfo

from services.reporting.core import Invoice
from services.reporting.exceptions.content import KINDS, Content, Line
from services.reporting.following.places import wait_until_read
from services.reporting.following.rows import run_of
from services.reporting.following.runs import KnownRun
from services.reporting.store import stuck_invoices
from services.reporting.streams import REPORTED, REPORTS
from shared.access import Principal, decide_access, may_operate_platform
from shared.buckets import Bucket
from shared.bus import Bus
from shared.dead_letters import read_dead_letter
from shared.errors import TagwerkError
from shared.jobs import CatalogueEntry
from shared.outbox import Outbox
from shared.runner.context import RunContext
from shared.subjects import CATALOGUE, PRINCIPALS
from shared.words import RunState

#: Days that the first report looks back.
FIRST_SPAN: Final = 7
#: What happened so shortly before a report may be known only after it: the next one looks at it again.
_OVERLAP: Final = timedelta(minutes=1)
#: Seconds that a report waits for the reading.
_PATIENCE: Final = 20.0
#: Dead letters of which it is asked whether they are still there.
_ASKED: Final = 100


@dataclass(frozen=True, slots=True)
class Span:
    """What a report is to tell."""

    #: So many days, with today; None: since the last report that was made on an earlier day.
    days: int | None
    #: Days after which an invoice that does not go on is named.
    stuck_after: int


class Exceptions(Protocol):
    """What went wrong for one run's client."""

    async def content(self, span: Span, language: str) -> Content:
        """What a report would say now. Raises `exceptions_behind` (retryable)."""


class KnownExceptions:
    """From what is read of the streams, and what others told."""

    def __init__(
        self, outbox: Outbox, context: RunContext, bus: Bus, pool: Any, zone: str, today: date
    ) -> None:
        self._outbox = outbox
        self._context = context
        self._bus = bus
        self._pool = pool
        self._zone = ZoneInfo(zone)
        self._today = today
        self._midnight = datetime.combine(today, time(), self._zone)

    async def content(self, span: Span, language: str) -> Content:
        await wait_until_read(self._bus.nc, self._pool, REPORTS, REPORTED, _PATIENCE)
        catalogue = await Bucket(self._bus, CATALOGUE, CatalogueEntry).all()
        asker = await Bucket(self._bus, PRINCIPALS, Principal).get(self._context.principal)
        async with self._outbox.transaction() as tx:
            since = await self._since(tx.connection, span.days)
            found = _Found(tx.connection, self._context, since, self._midnight, catalogue)
            lines = [*await found.of_runs(), *await found.of_watch(), *await found.of_schedules()]
            letters = await found.of_dead_letters(everybody=asker is not None and may_operate_platform(asker))
            before = datetime.now(UTC) - timedelta(days=span.stuck_after)
            stuck = await stuck_invoices(tx.connection, self._context.client, before, self._today)
        seen = [line for line in lines if self._sees(asker, catalogue.get(line.key))]
        seen += await self._still_there(letters)
        seen += [_stuck(invoice, self._zone) for invoice in stuck]
        return Content(
            client=self._context.client,
            as_of=self._today,
            since=since,
            language=language,
            stuck_after=span.stuck_after,
            lines=_ordered(seen),
            hidden=len(lines) - sum(line.kind not in ("dead_letter", "stuck") for line in seen),
        )

    async def _since(self, connection: Any, days: int | None) -> datetime:
        """The beginning of the span. Reports of the same day have the same one: they say more only if
        more has happened."""
        if days is not None:
            return datetime.combine(self._today - timedelta(days=days - 1), time(), self._zone)
        last = await connection.fetchval(
            "select max(created_at) from reports where client = $1 and kind = $2 and created_at < $3",
            self._context.client,
            Content.kind,
            self._midnight,
        )
        if last is None:
            return datetime.combine(self._today - timedelta(days=FIRST_SPAN - 1), time(), self._zone)
        made: datetime = last - _OVERLAP
        return made.astimezone(self._zone)

    def _sees(self, asker: Principal | None, entry: CatalogueEntry | None) -> bool:
        """A job that is gone is nobody's secret any more than its runs are: administrators see it."""
        if asker is None:
            return False
        if entry is None:
            return may_operate_platform(asker)
        return decide_access(asker, entry.access, client=self._context.client).allowed

    async def _still_there(self, letters: Sequence[Line]) -> list[Line]:
        """Dead letters; one that was replayed is gone from its stream."""
        told: list[Line] = []
        for place, line in enumerate(letters):
            there = True
            if place < _ASKED:
                try:
                    await read_dead_letter(self._bus, int(line.key))
                except TagwerkError as error:
                    if error.failure.code != "dead_letter_not_found":
                        raise
                    there = False
            told.append(replace(line, open=there))
        return told


@dataclass(frozen=True, slots=True)
class _Found:
    """What the tables hold of a client and a span."""

    connection: Any
    context: RunContext
    since: datetime
    #: With which this day began, in the zone of the installation.
    midnight: datetime
    catalogue: Mapping[str, CatalogueEntry]

    @property
    def client(self) -> str:
        return self.context.client

    @property
    def zone(self) -> tzinfo | None:
        return self.midnight.tzinfo

    async def of_runs(self) -> list[Line]:
        """But for the runs of this job of this day: a report that is made again because its mail is in doubt
        would not be the same one any more, and go to everybody again. They are told tomorrow."""
        rows = await self.connection.fetch(
            "select * from known_runs where client = $1 and state is not null"
            " and (ended_at >= $2 or open_doubts) and not (job = $3 and requested_at >= $4)"
            " order by ended_at desc, run_id",
            self.client,
            self.since,
            self.context.job,
            self.midnight,
        )
        return [line for row in rows for line in self._lines_of(run_of(row))]

    def _lines_of(self, run: KnownRun) -> Iterator[Line]:
        assert run.ended_at is not None
        entry, doubts = (
            self.catalogue.get(run.job),
            [one for one in run.doubts.values() if not one.decided_at],
        )
        for doubt in doubts:
            yield Line(
                kind="doubt",
                at=run.ended_at.astimezone(self.zone),
                what=self._title(run.job),
                key=run.job,
                run_id=str(run.run_id),
                code="effect_in_doubt",
                cause=doubt.cause,
                number=doubt.effect,
            )
        if run.ended_at < self.since:
            return
        failure = run.failure
        safe = entry is not None and entry.safe_to_repeat
        yield Line(
            kind="run",
            at=run.ended_at.astimezone(self.zone),
            what=self._title(run.job),
            key=run.job,
            run_id=str(run.run_id),
            state=run.state.value if run.state else None,
            code=failure.code if failure else None,
            cause=_cause(run),
            next_step=failure.next_step if failure else None,
            records=run.records,
            failed=len(run.failed),
            retry="decide" if doubts else "safe" if safe else "risky",
            open=self._is_open(run, waits=bool(doubts)),
        )

    @staticmethod
    def _is_open(run: KnownRun, *, waits: bool) -> bool:
        """One that only waited for decisions is settled with the last of them; else with a rerun."""
        decided = run.state is RunState.INTERRUPTED and not waits and run.failure is None
        return run.mended_by is None and not decided

    async def of_watch(self) -> list[Line]:
        rows = await self.connection.fetch(
            "select * from watched where opened_at is not null and (client = $1 or kind = 'unworked')"
            " and (opened_at >= $2 or closed_at is null) order by opened_at desc, event_id",
            self.client,
            self.since,
        )
        return [
            Line(
                kind=row["kind"],
                at=row["opened_at"].astimezone(self.zone),
                what=self._title(row["job"]),
                key=row["job"],
                run_id=str(row["run_id"]) if row["run_id"] else None,
                open=row["closed_at"] is None,
            )
            for row in rows
        ]

    async def of_schedules(self) -> list[Line]:
        rows = await self.connection.fetch(
            "select * from missed_occurrences where client = $1 and decided_at >= $2"
            " order by nominal desc, schedule",
            self.client,
            self.since,
        )
        return [
            Line(
                kind="missed",
                at=row["nominal"].astimezone(self.zone),
                what=self._title(row["job"]),
                key=row["job"],
                cause=row["reason"],
                number=row["schedule"],
            )
            for row in rows
        ]

    async def of_dead_letters(self, *, everybody: bool) -> list[Line]:
        """Those of the client; `everybody`: and those of which nobody knows whose they are."""
        rows = await self.connection.fetch(
            "select * from dead_letters where at >= $2 and (client = $1 or client is null and $3)"
            " order by sequence desc",
            self.client,
            self.since,
            everybody,
        )
        return [
            Line(
                kind="dead_letter",
                at=row["at"].astimezone(self.zone),
                what=row["durable"],
                key=str(row["sequence"]),
                code=row["code"],
                cause=row["cause"],
                next_step=row["next_step"],
            )
            for row in rows
        ]

    def _title(self, job: str) -> str:
        entry = self.catalogue.get(job)
        return job if entry is None else entry.title


def _cause(run: KnownRun) -> str | None:
    """Why it ended so. That some records failed is said in numbers: of those, the cause of the first."""
    first = next(iter(run.failed.values()), None)
    if run.failure is None or (run.state is RunState.PARTIALLY_FAILED and first):
        return first
    return run.failure.cause


def _stuck(invoice: Invoice, zone: ZoneInfo) -> Line:
    return Line(
        kind="stuck",
        at=invoice.since.astimezone(zone),
        what=invoice.supplier or str(invoice.document_id),
        key=str(invoice.document_id),
        state=invoice.state.value,
        number=invoice.invoice_number,
        amount=invoice.amount,
        currency=invoice.currency,
        role=invoice.role,
    )


def _ordered(lines: Sequence[Line]) -> list[Line]:
    """By kind; within one as they are, for each was asked for in its order."""
    return sorted(lines, key=lambda line: KINDS.index(line.kind))
