"""Who did what in this tour, and that the log of it is as it was written."""

import asyncio
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Final
from uuid import UUID, uuid4

from cli.demo.machine import ASKS, HEARS, MACHINE, STATES, Machine, connected
from cli.demo.visitor import RUN_WITHIN, Visitor
from shared.access import TECHNICAL, Principal
from shared.commands import AuditEntriesPage, AuditState, RunDetail
from shared.words import PrincipalKind, RunState, Trigger

JOB: Final = "audit.verify-log"
ABOUT: Final = "the whole log"


async def verify_the_log(visitor: Visitor, machine: str | None) -> None:
    """Find the start of the payment in the audit log, with its reason; then have the whole log verified."""
    story = visitor.story
    visitor.show.chapter("The audit log: who did what")
    visitor.show.say(
        "Every start, refusal and approval stands in a log whose own service cannot change it. Each entry "
        "is hashed with the one before it, and the end of the chain is signed."
    )
    job = "integrations.create-payment-file"
    confirmed = [taken.run.run_id for taken in story.runs.values() if taken.run.job == job]
    for run_id in confirmed[:1]:

        async def entries(run_id: str = str(run_id)) -> AuditEntriesPage:
            return await visitor.gateway.get("/audit/entries", AuditEntriesPage, run_id=run_id)

        page = await visitor.until(entries, lambda page: bool(page.items))
        told = [entry for entry in page.items if entry.kind == "run_requested"]
        story.check(
            "the start of the payment is in the audit log, with its reason",
            len(told) == 1 and bool(told[0].reason),
            [entry.kind for entry in page.items],
        )
    if machine is None:
        visitor.show.say(
            "This stack takes no messages of the demo's machine, so the visitor starts the check."
        )
        run = await visitor.start(JOB, ABOUT, {})
    else:
        run = await _asked_by_a_machine(visitor, machine)
    state = await visitor.gateway.get("/audit/state", AuditState)
    verified = state.check is not None and state.check.run_id == run.run_id and state.check.cause is None
    story.check(
        "the audit log is as it was written",
        run.state is RunState.SUCCEEDED and verified and state.entries > 0,
        run.sentence,
    )
    visitor.show.run_in_short(run)


async def _asked_by_a_machine(visitor: Visitor, address: str) -> RunDetail:
    """A machine that knows nothing of Tagwerk but a topic asks, is answered, and hears how its run ends."""
    visitor.show.say(
        "A machine outside asks over MQTT for the whole log to be verified. It is not sure and asks twice; "
        "both times it is answered the same run, and it hears how that ends."
    )
    account = {
        "name": "Watchman", "kind": PrincipalKind.MQTT, "roles": [TECHNICAL], "clients": ["main"],
    }  # fmt: skip
    await visitor.gateway.put(f"/principals/{MACHINE}", Principal, account)
    id = f"demo-{uuid4()}"
    heard = Heard()
    with suppress(TimeoutError):
        async with asyncio.timeout(RUN_WITHIN), connected(address) as there:
            for _ in range(2):
                await there.ask(id)
                visitor.show.say(f'→ {ASKS} {{"id": "{id}"}}', "dim")
            await _listen(visitor, there, heard)
    check, run_id = visitor.story.check, heard.run_id(id)
    if not check("messages over MQTT were answered with one run", run_id is not None, heard.answers):
        return await visitor.start(JOB, ABOUT, {})
    assert run_id is not None
    state = heard.ended.get(run_id)
    check("the machine heard how its run ended", state is RunState.SUCCEEDED, state)
    run = await visitor.end_of(UUID(run_id), "verify-log, asked over MQTT")
    by_machine = (run.trigger, run.principal) == (Trigger.MQTT, MACHINE)
    check("the run says who asked, and how", by_machine, f"{run.trigger}, {run.principal}")
    await visitor.remember(run, ABOUT)
    return run


@dataclass(slots=True)
class Heard:
    """What came to the machine."""

    answers: list[Mapping[str, Any]] = field(default_factory=list)
    #: How runs ended; what the broker retains of earlier ones too.
    ended: dict[str, RunState] = field(default_factory=dict)

    def run_id(self, id: str) -> str | None:
        """The run that both messages were answered with, once as new and once as known."""
        first, *others = {answer.get("run_id") for answer in self.answers} or {None}
        whole = len(self.answers) == 2 and not others
        mine = all(answer.get("correlation") == id for answer in self.answers)
        known = sorted(bool(answer.get("duplicate")) for answer in self.answers)
        return first if whole and mine and known == [False, True] else None

    @property
    def is_all(self) -> bool:
        if len(self.answers) < 2:
            return False
        runs = {answer.get("run_id") for answer in self.answers}
        return None in runs or runs <= set(self.ended)


async def _listen(visitor: Visitor, machine: Machine, heard: Heard) -> None:
    async for topic, content in machine.hear():
        if topic == HEARS:
            heard.answers.append(content)
            known = ", known already" if content.get("duplicate") else ""
            said = content.get("run_id") or content.get("failure", {}).get("cause")
            visitor.show.say(f"← {topic} {said}{known}", "dim")
        elif (state := RunState(content["state"])).final:
            heard.ended[topic.removeprefix(STATES)] = state
        if heard.is_all:
            for run_id in {str(answer.get("run_id")) for answer in heard.answers} & set(heard.ended):
                visitor.show.say(f"← {STATES}{run_id} {heard.ended[run_id]}", "dim")
            return
