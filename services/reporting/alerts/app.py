"""Alerts, put together for the reporting service."""

from zoneinfo import ZoneInfo

from services.reporting.alerts import queries
from services.reporting.alerts.looking import Looks
from services.reporting.alerts.measures import measure_alerts
from services.reporting.alerts.reading import Reading
from services.reporting.alerts.rules import Rules
from services.reporting.alerts.sending import Sending
from services.reporting.alerts.silencing import Desk
from services.reporting.alerts.store import Alerts
from services.reporting.alerts.telling import Telling
from services.reporting.alerts.watchman import Watchman, follower_of
from services.reporting.alerts.ways import RealWays
from services.reporting.following.lead import keep_leading
from services.reporting.streams import ALERTS
from shared import subjects
from shared.catalogue import catalogue
from shared.clients.smtp import MailServer
from shared.commands import AlertsQuery, CloseAlert, EndSilence, SetSilence, SilencesQuery
from shared.service import Service


def add_alerts(service: Service, rules: Rules, server: MailServer | None) -> None:
    """What watches and tells, and what answers."""
    settings = service.settings

    async def watch() -> None:
        jobs, pool = catalogue(service.bus), service.pool

        async def owner_of(job: str) -> str | None:
            entry = await jobs.get(job)
            return None if entry is None else entry.owner

        alerts = Alerts(rules, owner_of)
        ways = RealWays(rules, server, ZoneInfo(settings.time_zone), settings.public_url)
        watchman = Watchman(
            pool,
            follower_of(service.bus.nc, Reading(service.bus, pool), alerts),
            Telling(pool, rules),
            Sending(pool, service.relay, ways),
            Looks(service.bus, pool, alerts),
        )
        await keep_leading(settings.database_url, ALERTS, watchman.watch)

    def desk() -> Desk:
        return Desk(service.pool, service.relay)

    service.background("alerts", watch)
    service.measure("alerts", lambda: measure_alerts(service.pool))
    service.answer(
        subjects.query("reporting", "alerts"),
        AlertsQuery,
        lambda asked: queries.list_alerts(service.pool, asked),
    )
    service.answer(
        subjects.query("reporting", "silences"),
        SilencesQuery,
        lambda asked: queries.list_silences(service.pool, asked),
    )
    service.answer(subjects.SET_SILENCE, SetSilence, lambda command: desk().silence(command))
    service.answer(subjects.END_SILENCE, EndSilence, lambda command: desk().end_silence(command))
    service.answer(subjects.CLOSE_ALERT, CloseAlert, lambda command: desk().close_alert(command))
