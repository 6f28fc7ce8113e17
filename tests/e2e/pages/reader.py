"""Somebody who reads pages in a real browser."""

import asyncio
import hashlib
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import UUID

import httpx
import nats
from playwright.async_api import Browser, BrowserContext, Page, Response

from deploy.local.stack import LocalStack
from services.gateway.core import MAIN_CLIENT
from shared import subjects
from shared.agents import ActionTold, AgentMessage, AgentStatus
from shared.audit import AuditEntry
from shared.events import Occurrence, now
from shared.ids import document_id_of, run_id_of
from shared.words import OccurrenceVerdict

#: What is written without a space and as long as it may be: no page is allowed to become wider by it.
WIDE = "w" * 63
WIDE_SCHEDULE = f"lab.records.{WIDE}"

#: The runs that there are to look at, by the key with which they are requested: job and parameters.
RUNS: dict[str, tuple[str, dict[str, Any]]] = {
    "good": ("lab.records", {"count": 5}),
    "partial": ("lab.records", {"count": 9, "fail": [2, 3]}),
    "failed": ("lab.stumble", {"steps": 2}),
    "doubt": ("lab.send", {"letters": ["anna", "bert"], "mode": "lost-answer"}),
    "wide": ("lab.send", {"letters": [WIDE * 4], "mode": "lost-answer"}),
    "report": ("reporting.due-date-report", {"formats": ["csv"]}),
    "exceptions": ("reporting.exception-report", {"formats": ["csv"], "days": 7}),
}


def run_of(key: str) -> UUID:
    return run_id_of(MAIN_CLIENT, "admin", RUNS[key][0], key)


#: A document that there is to look at.
LETTER_TEXT = b"Dear Sir or Madam, thank you for your letter of Monday."
LETTER = document_id_of(MAIN_CLIENT, hashlib.sha256(LETTER_TEXT).hexdigest())
LETTER_FILE = f"{WIDE * 3}.txt"

#: Pages that everybody can be asked to look at: name -> path. A page that is added belongs in here.
PAGES: dict[str, str] = {
    "catalogue": "/",
    "catalogue, filtered": "/?q=invoice",
    "catalogue, nothing fits": "/?q=zzz",
    "job": "/jobs/lab.records",
    "job with parameters": "/jobs/integrations.create-payment-file",
    "job that never ran": "/jobs/documents.ocr",
    "start, a field to fill in": "/jobs/lab.records/start",
    "start, to be confirmed": "/jobs/integrations.create-payment-file/start",
    "start, with files": "/jobs/integrations.import-daily-rates/start?p.file=upload:"
    + "0" * 64
    + "/june.xml",
    "run with failed records": f"/runs/{run_of('partial')}",
    "run in doubt": f"/runs/{run_of('doubt')}?tab=audit",
    "run of wide words": f"/runs/{run_of('wide')}",
    "effects of wide words": f"/runs/{run_of('wide')}?tab=audit",
    "events of wide words": f"/runs/{run_of('wide')}?tab=events",
    "run that failed": f"/runs/{run_of('failed')}?tab=events",
    "trace of a run": f"/runs/{run_of('partial')}?tab=trace",
    "runs": "/runs",
    "runs, filtered": "/runs?state=failed&state=partially_failed&job=lab.records&since=2026-01-01"
    "&sort=-duration",
    "runs that touched a record": "/runs?record_key=item:2",
    "runs, none fits": "/runs?client=nobody&trigger=mqtt",
    "search": "/search?q=lab.records",
    "search for a record": "/search?q=item",
    "search without a match": "/search?q=zzz",
    "search without a word": "/search",
    "documents": "/documents",
    "documents, none fits": "/documents?text=nothing+of+this+name&kind=mail&client=main",
    "document": f"/documents/{LETTER}",
    "alerts": "/alerts",
    "alerts that are over": "/alerts?state=closed",
    "silences": "/alerts/silences",
    "schedules": "/schedules",
    "schedule": "/schedules/lab.records.nightly",
    "schedule of wide words": f"/schedules/{WIDE_SCHEDULE}",
    "schedule that is paused": "/schedules/lab.noop.paused",
    "schedule to be changed": "/schedules/lab.records.nightly/change",
    "schedule to be run afterwards": "/schedules/lab.records.nightly/backfill",
    "approvals": "/approvals",
    "reports": "/reports",
    "reports, none fits": "/reports?client=nobody",
    "dead letters": "/dead-letters",
    "dead letter": "/dead-letters/1",
    "systems": "/systems",
    "mqtt": "/mqtt",
    "traces": "/traces",
    "traces that failed, none fits": "/traces?what=failed&name=nothing",
    "audit log": "/audit",
    "audit log, filtered": "/audit?kind=run_requested&principal=admin&since=2026-01-01",
    "audit log, none fits": "/audit?principal=nobody",
    "users and roles": "/users",
    "user": "/users/bea",
    "user of wide words": f"/users/{WIDE}",
    "new account": "/users/-/new",
    "preferences": "/preferences",
    "account": "/account",
    "sign in": "/sign-in",
    "sign in with a link that does not work": "/sign-in/link?token=none",
    "error": "/nothing-lies-here",
}


#: An occurrence of an outage, of which nobody has taken note.
MISSED = Occurrence(
    schedule="lab.records.nightly",
    job="lab.records",
    client=MAIN_CLIENT,
    nominal=now().replace(hour=1, minute=30, second=0, microsecond=0) - timedelta(days=1),
    verdict=OccurrenceVerdict.MISSED,
    reason="no scheduler was at work when it came due; it was noticed 2 h later",
)


#: What the audit log has to show besides what `prepare` does: a link to a document, and wide words.
ENTRIES = (
    AuditEntry(action="invoice_approved", principal=WIDE, concern=f"document:{LETTER}", client=WIDE),
    AuditEntry(
        action="rule_changed",
        principal="admin",
        effective_principal=WIDE,
        concern=f"rule:{WIDE * 4}",
        reason=WIDE * 4,
        before={WIDE: WIDE * 2, "short": "a"},
        after={WIDE: WIDE * 3, "short": "b", "only": WIDE},
    ),
)

#: An agent in a customer's network that has told what it allows.
OFFICE = AgentMessage(
    client="main",
    agent="office",
    kind="status",
    received_at=now(),
    text=AgentStatus(
        online=True,
        session=UUID(int=1),
        version="0.1.0",
        actions=(
            ActionTold(name="open-orders", title="Open orders", kind="sql", does="reads", timeout=30),
            ActionTold(
                name="close-order", title="Close an order", kind="http", does="x", timeout=30, changes=True
            ),
        ),
    )
    .encode()
    .decode(),
)


async def prepare(stack: LocalStack) -> None:
    """What the pages show: a run that went well and one with failed records, an account, dead letters."""
    headers = {"Authorization": f"Bearer {stack.token}"}
    letters = stack.state / "letters"
    letters.mkdir()
    async with httpx.AsyncClient(base_url=f"{stack.url}/api/v1", headers=headers, timeout=30) as http:
        for key, (job, parameters) in RUNS.items():
            folder = {"folder": str(letters)} if job == "lab.send" else {}
            started = await http.post(
                f"/jobs/{job}/runs",
                json={"parameters": {**parameters, **folder}, "confirm": job, "reason": "month end"},
                headers={"Idempotency-Key": key},
            )
            assert started.status_code == 202, started.text
            assert started.json()["run_id"] == str(run_of(key))
            run = await http.get(f"/runs/{run_of(key)}", params={"wait": 20})
            assert run.json()["finished_at"] is not None
        sent = await http.post("/documents", files={"file": (LETTER_FILE, LETTER_TEXT)})
        assert sent.json()["files"][0]["document_id"] == str(LETTER)
        bea = {"name": "Bea Berger", "roles": ["accounting", "bank-viewer"], "clients": ["alpha", "beta"]}
        assert (await http.put("/principals/bea", json=bea)).status_code == 200
        wide = {"name": WIDE * 3, "roles": ["accounting"], "clients": [WIDE, "beta"]}
        assert (await http.put(f"/principals/{WIDE}", json=wide)).status_code == 200
        token = {"principal": "bea", "name": "laptop", "scopes": ["read", "start"]}
        assert (await http.post("/tokens", json=token)).status_code == 201
        await _make_schedules(http)
        bus = await nats.connect(stack.nats_url)
        await bus.jetstream().publish(f"occurrence.{MISSED.schedule}.20260101T013000Z", MISSED.encode())
        await bus.jetstream().publish(subjects.from_agent("main", "office"), OFFICE.encode())
        for entry in ENTRIES:
            await bus.jetstream().publish(entry.subject, entry.encode())
        await bus.jetstream().publish("event.document.uploaded", b'{"client": "alpha", "file": "<b>.pdf"}')
        await bus.close()
        async with asyncio.timeout(20):
            while not (await http.get("/dead-letters")).json()["items"]:  # noqa: ASYNC110  (another process)
                await asyncio.sleep(0.1)


async def _make_schedules(http: httpx.AsyncClient) -> None:
    rule = {"cron": "30 2 * * *", "zone": "Europe/Zurich", "overlap": "queue_one", "jitter": 60}
    closed = {"closed": "not_business", "country": "CH", "canton": "ZH"}
    for id, more in (
        ("lab.records.nightly", {**closed, "parameters": {"count": 3}}),
        (WIDE_SCHEDULE, {"parameters": {"count": 3}}),
        ("lab.noop.paused", {}),
    ):
        made = await http.put(f"/schedules/{id}", json={"rule": {**rule, **more}, "reason": "each night"})
        assert made.status_code == 200, made.text
    paused = await http.post("/schedules/lab.noop.paused/pause", json={"reason": "a migration"})
    assert paused.status_code == 200, paused.text


class Reader:
    """One browser context, signed in as the administrator. Everything that goes wrong in it is kept."""

    def __init__(self, browser: Browser, stack: LocalStack) -> None:
        self._browser = browser
        self._stack = stack
        self._contexts: list[BrowserContext] = []
        #: What the browser complained of: errors of scripts, breaches of the content security policy.
        self.complaints: list[str] = []

    async def __aenter__(self) -> "Reader":
        return self

    async def __aexit__(self, *_: object) -> None:
        await asyncio.gather(*(context.close() for context in self._contexts))

    async def page(
        self,
        *,
        language: str = "en",
        theme: str = "light",
        width: int = 1440,
        signed_in: bool = True,
        **options: Any,
    ) -> Page:
        """A new page of a new context, so with no cookies but these."""
        headers = {"Authorization": f"Bearer {self._stack.token}"} if signed_in else {}
        context = await self._browser.new_context(
            base_url=self._stack.url,
            viewport={"width": width, "height": 900},
            extra_http_headers=headers,
            **options,
        )
        self._contexts.append(context)
        await context.add_cookies(
            [
                {"name": "language", "value": language, "url": self._stack.url},
                {"name": "theme", "value": theme, "url": self._stack.url},
            ]
        )
        page = await context.new_page()
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("console", self._listen(page))
        return page

    def _listen(self, page: Page) -> Callable[[Any], None]:
        def listen(message: Any) -> None:
            # That a page answers 404 or 503 is no complaint about the page.
            if message.type == "error" and message.location.get("url") != page.url:
                self.complaints.append(message.text)

        return listen


async def opened(page: Page, path: str) -> Response:
    response = await page.goto(path)
    assert response is not None
    return response
