"""What people do about alerts: silence, end a silence, close. Each is audited in its transaction."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from services.reporting.alerts.queries import read_alert, silence_row
from services.reporting.alerts.store import close, lock
from shared.audit import AuditEntry
from shared.commands import AlertRow, CloseAlert, EndSilence, SetSilence, SilenceRow
from shared.database import Pool
from shared.errors import TagwerkError
from shared.events import now
from shared.ids import new_id
from shared.outbox import Outbox, Relay
from shared.words import AlertKind

#: What is longer is no silence but a rule, and belongs into the file.
LONGEST: Final = timedelta(days=31)


class Desk:
    def __init__(self, pool: Pool, relay: Relay, clock: Callable[[], datetime] = now) -> None:
        self._pool = pool
        self._outbox = Outbox(pool, relay)
        self._clock = clock

    async def silence(self, command: SetSilence) -> SilenceRow:
        """Raises `silence_invalid`."""
        at = self._clock()
        ends_at = command.ends_at if command.ends_at.tzinfo else command.ends_at.replace(tzinfo=UTC)
        if not at < ends_at <= at + LONGEST:
            raise TagwerkError(
                "silence_invalid",
                f"a silence ends within {LONGEST.days} days from now",
                concern="ends_at",
                next_step="Choose a time to come within them. What is to be quiet for longer belongs into the"
                " rules file.",
            )
        async with self._outbox.transaction() as tx:
            row = await tx.connection.fetchrow(
                "insert into silences (silence_id, kinds, jobs, clients, reason, created_by, created_at,"
                " ends_at) values ($1, $2, $3, $4, $5, $6, $7, $8) returning *",
                new_id(), [kind.value for kind in command.kinds], _patterns(command.jobs),
                _patterns(command.clients), command.reason, command.principal, at, ends_at,
            )  # fmt: skip
            made = silence_row(row, at)
            tx.audit(
                AuditEntry(
                    action="alerts_silenced",
                    principal=command.principal,
                    concern=f"silence:{made.silence_id}",
                    reason=command.reason,
                    after=made.model_dump(mode="json", include={"kinds", "jobs", "clients", "ends_at"}),
                )
            )
        return made

    async def end_silence(self, command: EndSilence) -> SilenceRow:
        """Raises `silence_not_found`, also for one that has ended."""
        at = self._clock()
        async with self._outbox.transaction() as tx:
            row = await tx.connection.fetchrow(
                "update silences set ended_by = $2, ends_at = $3"
                " where silence_id = $1 and ended_by is null and ends_at > $3 returning *",
                command.silence_id,
                command.principal,
                at,
            )
            if row is None:
                raise TagwerkError(
                    "silence_not_found",
                    "there is no such silence, or it has ended",
                    concern=str(command.silence_id),
                    next_step="List the silences: what has ended needs no end.",
                )
            tx.audit(
                AuditEntry(
                    action="silence_ended",
                    principal=command.principal,
                    concern=f"silence:{command.silence_id}",
                )
            )
        return silence_row(row, at)

    async def close_alert(self, command: CloseAlert) -> AlertRow:
        """If the cause comes again, that is another alert. Raises `alert_not_found`, also for one that is
        closed."""
        at = self._clock()
        async with self._outbox.transaction() as tx:
            connection: Any = tx.connection
            row = await connection.fetchrow(
                "select kind, key, client from alerts where alert_id = $1", command.alert_id
            )
            if row is not None:
                await lock(connection, AlertKind(row["kind"]), row["key"])
            still = await connection.fetchval(
                "select exists(select from alerts where alert_id = $1 and closed_at is null)",
                command.alert_id,
            )
            if row is None or not still:
                raise TagwerkError(
                    "alert_not_found",
                    "there is no such alert, or it is closed",
                    concern=str(command.alert_id),
                    next_step="List the open alerts: its cause may have gone meanwhile.",
                )
            kind = AlertKind(row["kind"])
            await connection.execute(
                "update alert_parts set gone_at = greatest(gone_at, held_at, $3)"
                " where kind = $1 and key = $2 and held_at is not null",
                kind.value,
                row["key"],
                at,
            )
            await close(connection, kind, row["key"], at, by=command.principal, reason=command.reason)
            tx.audit(
                AuditEntry(
                    action="alert_closed",
                    principal=command.principal,
                    concern=f"alert:{command.alert_id}",
                    client=row["client"],
                    reason=command.reason,
                )
            )
        return await read_alert(self._pool, command.alert_id)


def _patterns(written: list[str]) -> list[str]:
    return sorted({one.strip() for one in written if one.strip()})
