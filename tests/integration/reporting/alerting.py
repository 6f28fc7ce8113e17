"""An installation whose alerts go to a mail server and a webhook."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from services.reporting.alerts import sending, watchman
from services.reporting.alerts.looking import Looks
from services.reporting.alerts.rules_file import read_rules
from services.reporting.alerts.store import Alerts
from shared import subjects
from shared.commands import AlertRow, AlertsPage, AlertsQuery
from shared.errors import Failure, TagwerkError
from shared.events import Decided, Finished, Requested
from shared.ids import new_id
from shared.subjects import RunSubjects
from shared.words import AlertKind, Lane, RunState, TellingState, Trigger
from tests.integration.reporting.conftest import Installation, until
from tests.support.webhook_receiver import SECRET, Receiver, receiving

JOB = "integrations.import-daily-rates"

RULES = """
language = "de"

[owners]
"*" = "duty@example.com"

[webhooks.pager]
url = "{url}"
secret_file = "{secret}"

[[alert]]
name = "dead letters"
on = "dead_letter"
to = ["webhook:pager", "gone@example.com"]
group_minutes = 0

[[alert]]
name = "everything"
to = ["owner", "webhook:pager"]
group_minutes = 0
per_hour = 100
"""


class World:
    """The installation, and what happens in it."""

    def __init__(self, installation: Installation, receiver: Receiver) -> None:
        self.bus = installation.bus
        self.installation = installation
        self.receiver = receiver

    def rules(self) -> Path:
        folder = self.installation.folder
        (folder / "secret").write_text(SECRET)
        rules = folder / "alerts.toml"
        rules.write_text(RULES.format(url=self.receiver.url, secret=folder / "secret"))
        return rules

    async def start(self) -> None:
        await self.installation.start(alert_rules=self.rules(), public_url="https://tagwerk.example")

    def looks(self, *, patience: float) -> Looks:
        """As the service has them, besides its own."""
        service = self.installation.service

        async def nobody(job: str) -> str | None:
            return None

        alerts = Alerts(read_rules(self.rules()), nobody)
        return Looks(service.bus, service.pool, alerts, patience=patience)

    async def run(self, state: RunState, *, client: str = "acme", **finished: Any) -> UUID:
        """A run of another service that ends so."""
        run_id = new_id()
        where = RunSubjects(JOB, run_id)
        request = Requested(
            run_id=run_id, job=JOB, client=client, principal="ada", effective_principal="ada",
            trigger=Trigger.SCHEDULE,
        )  # fmt: skip
        await self.bus.publish(where.requested(Lane.BULK), request.encode())
        await self.tell_run(Finished(run_id=run_id, attempt=1, state=state, **finished))
        return run_id

    async def tell_run(self, event: Finished | Decided) -> None:
        await self.bus.publish(RunSubjects(JOB, event.run_id).ev, event.encode())

    async def alerts(self, **asked: Any) -> Sequence[AlertRow]:
        query = AlertsQuery(**{"platform": True, **asked})
        page = await self.bus.ask(subjects.query("reporting", "alerts"), query, AlertsPage)
        return page.items

    async def alerts_if_answered(self, **asked: Any) -> Sequence[AlertRow]:
        """None while no service answers."""
        try:
            return await self.alerts(**asked)
        except TagwerkError:
            return []

    async def answers(self) -> None:
        """Wait until the service does."""

        async def answered() -> bool:
            try:
                await self.alerts()
            except TagwerkError:
                return False
            return True

        await until(answered)

    async def alert_of(self, client: str) -> AlertRow:
        return await self._settled(client=client)

    async def alert(self, kind: AlertKind, *, state: str = "open") -> AlertRow:
        return await self._settled(kind=kind, state=state)

    async def _settled(self, **asked: Any) -> AlertRow:
        """The one that fits, as soon as there is one and everybody has been told."""
        found: list[AlertRow] = []

        async def settled() -> bool:
            rows = await self.alerts(**asked)
            found[:] = rows
            return bool(rows) and all(
                telling.state in (TellingState.SENT, TellingState.FAILED, TellingState.IN_DOUBT)
                for telling in rows[0].tellings
            )

        await until(settled)
        return found[0]


@pytest.fixture
async def world(installation: Installation, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setattr(watchman, "TICK", 0.02)
    monkeypatch.setattr(sending, "WAITS", (0.05, 0.05))
    with receiving() as receiver:
        yield World(installation, receiver)


def failure(cause: str) -> Failure:
    return Failure(code="record_invalid", cause=cause, next_step="Correct it.")
