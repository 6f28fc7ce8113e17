"""Two clients with the same things, real ones, and everybody who may knock at the gateway for them."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
from nats.aio.subscription import Subscription

from deploy.local.accounts import EXAMPLE
from deploy.local.ports import free_port
from services.gateway.context import Gateway
from services.gateway.identity.sessions import Visitor
from services.integrations.app import build as build_integrations
from shared import subjects
from shared.access import ADMINISTRATOR, TECHNICAL, Access
from shared.audit import AuditEntry
from shared.dead_letters import bury
from shared.errors import Failure
from shared.events import Requested
from shared.ids import new_id
from shared.subjects import RunSubjects
from shared.words import Lane, Level, Trigger
from tests.integration.gateway.site import Site
from tests.integration.gateway.test_access import end
from tests.integration.gateway.test_approvals import arrived, invoice
from tests.support.payments import approved

#: What belongs to these two is own and foreign for who acts for the first.
OWN, FOREIGN = "alpha", "beta"

#: An operational job, whose runs stand for all.
JOB = "desk.books"
PAYMENTS = "integrations.create-payment-file"
REPORT = "reporting.due-date-report"

PDF, CSV = b"%PDF-1.7\n" + b"x" * 300, b"1;2"

#: Who asks: roles, and the scopes of their token, None for all. All of them act for `OWN` alone.
ASKERS: dict[str, tuple[tuple[str, ...], list[str] | None]] = {
    "plain": ((), None),
    "books": (("accounting",), None),
    "tech": ((TECHNICAL,), None),
    "chief": ((ADMINISTRATOR,), None),
    "reads": ((ADMINISTRATOR,), ["read"]),
    "starts": ((ADMINISTRATOR,), ["start"]),
}
#: Programs with a limited token.
SERVICES = ("reads", "starts")


@dataclass
class Things:
    """What one client has."""

    client: str
    #: A run that has ended with a failed record.
    ended: str = ""
    #: A document whose invoice was rejected.
    document_id: str = ""
    file_id: str = ""
    report_id: str = ""

    def principal_of(self, asker: str) -> str:
        """An account that acts for the client, with which nobody but this asker deals."""
        return f"of-{asker}-{self.client}"

    @property
    def ids(self) -> set[str]:
        """By which one would know the things in an answer."""
        return {self.ended, self.document_id, self.file_id, self.report_id}


#: What would belong to a client that there is not.
NOBODYS = Things("nobodys", *(str(new_id()) for _ in range(4)))


@dataclass
class World:
    site: Site
    clients: dict[str, httpx.AsyncClient]
    things: dict[str, Things]
    #: Refusals, as they are told, by principal.
    refusals: dict[str, list[AuditEntry]] = field(default_factory=dict)
    told: asyncio.Condition = field(default_factory=asyncio.Condition)
    listening: Subscription = field(init=False)

    @property
    def gateway(self) -> Gateway:
        assert self.site.server is not None
        assert self.site.server.gateway is not None
        return self.site.server.gateway

    async def session_of(self, id: str) -> UUID:
        """A new session."""
        gateway = self.gateway
        principal = await gateway.accounts.principal(id)
        assert principal is not None
        async with gateway.accounts.changing() as tx:
            await gateway.sessions.open(tx, principal, "password", Visitor("127.0.0.1", "Test/1"))
        return (await gateway.sessions.of(id))[0].id

    async def cookie_of(self, id: str) -> str:
        gateway = self.gateway
        principal = await gateway.accounts.principal(id)
        assert principal is not None
        async with gateway.accounts.changing() as tx:
            return await gateway.sessions.open(tx, principal, "password", Visitor("127.0.0.1", "Test/1"))

    async def token_of(self, id: str) -> dict[str, Any]:
        issued = await self.site.admin.post("/tokens", json={"principal": id, "name": "test"})
        assert issued.status_code == 201, issued.text
        token: dict[str, Any] = issued.json()
        return token

    async def run_of(self, client: str) -> str:
        """A new run that waits for a worker."""
        started = await self.site.admin.post(f"/jobs/{JOB}/runs", json={"client": client})
        assert started.status_code == 202, started.text
        run_id: str = started.json()["run_id"]
        known = await self.site.admin.get(f"/runs/{run_id}", params={"at_least": started.json()["sequence"]})
        assert known.status_code == 200, known.text
        return run_id

    async def alert_of(self, client: str) -> str:
        """An alert of its own that is open."""
        request = Requested(
            run_id=new_id(), job=JOB, client=client, principal="admin", effective_principal="admin",
            trigger=Trigger.MANUAL, about=[f"test:{new_id()}"],
        )  # fmt: skip
        run_id = str(request.run_id)
        requested = RunSubjects(JOB, request.run_id).requested(Lane.BULK)
        await self.site.bus.publish(requested, request.encode())
        await end(self.site, JOB, run_id)
        async with asyncio.timeout(20):
            while True:
                wanted: dict[str, str | int] = {"client": client, "job": JOB, "limit": 500}
                found = await self.site.admin.get("/alerts", params=wanted)
                for alert in found.json()["items"]:
                    if alert["run_id"] == run_id:
                        alert_id: str = alert["alert_id"]
                        return alert_id
                await asyncio.sleep(0.02)

    async def silence_of(self, client: str) -> str:
        body = {"clients": [client], "jobs": ["none.*"], "hours": 1, "reason": "a test"}
        made = await self.site.admin.post("/silences", json=body)
        assert made.status_code == 200, made.text
        silence_id: str = made.json()["silence_id"]
        return silence_id

    async def letter_of(self, client: str) -> int:
        reason = Failure(code="event_undecodable", cause="no event", next_step="Correct the sender.")
        durable = f"test-{new_id()}"
        await bury(
            self.site.bus, durable=durable, stream=subjects.EVENTS, subject="event.test.happened", sequence=1,
            data=b'{"client": "%s"}' % client.encode(), reason=reason,
        )  # fmt: skip
        [letter] = await self.site.bus.read(subjects.DEAD, f"dead.{durable}")
        return letter.sequence

    async def heard(self, principal: str) -> int:
        """How many refusals of a principal have been told, when all that is under way has been."""
        await self.gateway.gate.settle()
        await self.site.bus.nc.flush()
        while self.listening.pending_msgs:  # noqa: ASYNC110  (nobody tells)
            await asyncio.sleep(0)
        async with self.told:
            return len(self.refusals.get(principal, ()))

    async def refused(self, principal: str, before: int) -> AuditEntry:
        """The next refusal of a principal that is told, after so many."""
        async with asyncio.timeout(20), self.told:
            await self.told.wait_for(lambda: len(self.refusals.get(principal, ())) > before)
        return self.refusals[principal][before]

    async def listen(self) -> None:
        async def heard(message: Any) -> None:
            entry = AuditEntry.model_validate_json(message.data)
            async with self.told:
                self.refusals.setdefault(entry.principal, []).append(entry)
                self.told.notify_all()

        self.listening = await self.site.bus.nc.subscribe("audit.access_refused", cb=heard)


@asynccontextmanager
async def world_on(site: Site, folder: Path) -> AsyncIterator[World]:
    """Takes some seconds: invoices are read, a payment file is made."""
    accounts = folder / "accounts.toml"
    accounts.write_text(
        EXAMPLE.replace("clients.main", f"clients.{OWN}")
        + EXAMPLE.replace("clients.main", f"clients.{FOREIGN}")
    )
    nowhere = f"http://127.0.0.1:{free_port()}/"
    integrations = build_integrations(
        site.settings(
            "integrations", accounts_file=accounts, ecb_daily_url=nowhere, ecb_history_url=nowhere,
            bazg_daily_url=nowhere,
        )
    )  # fmt: skip
    await asyncio.gather(
        site.start("status", "documents", "audit", "scheduler", "reporting"), integrations.start()
    )
    await site.start_gateway(sign_ins_per_minute=100_000)
    access = Access(module="desk", level=Level.OPERATIONAL, roles=frozenset({"accounting"}))
    await site.offer(JOB, access=access, parameters={"type": "object", "properties": {
        "file": {"type": "string", "format": "incoming-file"}}})  # fmt: skip
    for job in ("documents.start-workflow", "documents.convert-to-pdf", PAYMENTS, REPORT):
        await site.knows(job)
    clients = {}
    for id, (roles, scopes) in ASKERS.items():
        kind = "service" if id in SERVICES else "user"
        body = {"name": id.title(), "kind": kind, "roles": list(roles), "clients": [OWN]}
        made = await site.admin.put(f"/principals/{id}", json=body)
        assert made.status_code == 200, made.text
        wish = {"principal": id, "name": "matrix", **({"scopes": scopes} if scopes else {})}
        issued = await site.admin.post("/tokens", json=wish)
        clients[id] = site.client(issued.json()["token"])
        clients[id].base_url = httpx.URL(site.url)
    things = await asyncio.gather(_things(site, OWN), _things(site, FOREIGN))
    world = World(site, clients, {one.client: one for one in things})
    await world.listen()
    yield world
    await integrations.stop()


async def _things(site: Site, client: str) -> Things:
    root = await site.user(f"root-{client}", roles=(ADMINISTRATOR,), clients=(client,))
    things = Things(client)
    for asker in ASKERS:
        body = {"name": "Of this client", "clients": [client]}
        assert (await site.admin.put(f"/principals/{things.principal_of(asker)}", json=body)).is_success
        # Far away: nothing of it happens during the test.
        rule = {"rule": {"cron": "0 0 29 2 *"}, "client": client, "reason": "a test"}
        made = await site.admin.put(f"/schedules/{JOB}.of-{asker}-{client}", json=rule)
        assert made.status_code == 200, made.text
    # What others upload later is known then, whoever comes first.
    for path, file in (("/documents", ("a.pdf", PDF)), ("/files", ("a.csv", CSV))):
        sent = await root.post(path, files={"file": file}, data={"client": client})
        assert sent.status_code == 201, sent.text
    things.document_id = await arrived(root, invoice(f"{client}-1"))
    started = await root.post(f"/jobs/{JOB}/runs", json={"client": client})
    assert started.status_code == 202, started.text
    things.ended = started.json()["run_id"]
    last = await end(site, JOB, things.ended)
    event = approved("qrr", client=client)
    await site.bus.publish("event.invoice.approved", event.encode(), msg_id=str(event.id))
    async with asyncio.timeout(60):
        while not (await root.get("/payables")).json()["items"]:  # noqa: ASYNC110  (nobody tells)
            await asyncio.sleep(0.05)
    body = {"client": client, "confirm": PAYMENTS, "reason": "a test"}
    started = await root.post(f"/jobs/{PAYMENTS}/runs", json=body)
    assert started.status_code == 202, started.text
    ended = await root.get(f"/runs/{started.json()['run_id']}", params={"wait": 30})
    assert ended.json()["state"] == "succeeded", ended.text
    [file] = (await root.get("/payments/files")).json()["items"]
    things.file_id = file["file_id"]
    wish = {"client": client, "parameters": {"formats": ["csv"]}}
    started = await root.post(f"/jobs/{REPORT}/runs", json=wish)
    assert started.status_code == 202, started.text
    ended = await root.get(f"/runs/{started.json()['run_id']}", params={"wait": 30})
    assert ended.json()["state"] == "succeeded", ended.text
    # Others may be made by their schedules.
    [report] = (await root.get("/reports", params={"kind": "due-dates"})).json()["items"]
    things.report_id = report["report_id"]
    rejected = await root.post(f"/approvals/{things.document_id}/reject", json={"reason": "not ours"})
    assert rejected.status_code == 200, rejected.text
    await root.get("/runs", params={"at_least": last})
    return things
