"""An agent in a customer's network does what it is told, once, and what becomes of it is known."""

import json
import signal
from uuid import UUID

import pytest

from shared import subjects
from shared.commands import AgentRow
from shared.events import AttemptFailed, Called, Decided
from shared.words import CallOutcome, Decision, Outcome, RunState
from tests.integration.mqtt_agents.conftest import Network
from tests.integration.mqtt_bridge.conftest import until
from tests.support.engine import Told

ANSWERS = "tagwerk/agents/main/office/answers"


async def test_an_agent_reads_rows_picks_up_files_and_calls_a_local_system(network: Network) -> None:
    await network.start_agent()
    # Rows: in several answers, each a record.
    told = await network.run("open-orders")
    assert told.end.state is RunState.SUCCEEDED
    assert len({record.key for record in told.records}) == len(told.records) == 1500
    row = next(record for record in told.records if record.key == "agent:office/open-orders:7")
    assert (row.outcome, row.message) == (Outcome.UNCHANGED, "number: 7, customer: customer 1, amount: 7.5")
    calls = [call for event in told.events if isinstance(event, Called) for call in event.calls]
    assert [(call.operation, call.outcome) for call in calls] == [
        ("office: open-orders", CallOutcome.SUCCEEDED)
    ]
    told = await network.run("open-orders", customer="customer 0")
    assert len(told.records) == 750

    # Files: documents, moved once they lie in the journal; one in several pieces, one too large.
    letters = network.folder / "letters"
    (letters / "long.txt").write_text("A long letter.\n" * 30_000)
    (letters / "short.txt").write_text("A short letter.\n")
    (letters / "endless.txt").write_text("An endless letter.\n" * 30_000)
    told = await network.run("letters")
    assert told.end.state is RunState.PARTIALLY_FAILED
    assert {record.label: record.outcome for record in told.records} == {
        "long.txt": Outcome.CREATED, "short.txt": Outcome.CREATED, "endless.txt": Outcome.FAILED,
    }  # fmt: skip
    assert [path.name for path in letters.iterdir() if path.is_file()] == ["endless.txt"]
    uploaded = await network.events("event.document.uploaded")
    assert {event["file_name"]: event["size"] for event in uploaded} == {"long.txt": 450_000, "short.txt": 16}
    assert {event["run_id"] for event in uploaded} == {str(told.run_id)}
    assert (await network.run("letters")).end.state is RunState.FAILED

    # A local system, once; the answer stands in the record.
    told = await network.run("close-order", number=7)
    assert told.end.state is RunState.SUCCEEDED
    assert network.local.asked == ["POST /orders/7/close HTTP/1.1"]
    assert [(record.key, record.outcome) for record in told.records] == [
        ("agent:office/close-order", Outcome.UPDATED), ("agent:office/close-order:answer", Outcome.UPDATED),
    ]  # fmt: skip

    # A dry run tells what it would do, and asks nobody.
    told = await network.run("close-order", number=8, dry_run=True)
    (record,) = told.records
    assert record.message is not None
    assert "sends POST to http://127.0.0.1:" in record.message
    assert "number: 8; it changes something there" in record.message
    assert len(network.local.asked) == 1

    agent = await network.agent()
    assert agent is not None
    assert [action.name for action in agent.actions] == ["open-orders", "letters", "close-order"]
    assert agent.last is not None
    assert (agent.last.action, agent.last.outcome, agent.last.late) == ("close-order", "done", False)


async def test_what_is_not_allowed_is_refused_with_its_reason(network: Network) -> None:
    for_nobody = await network.run("open-orders")
    assert code_of(for_nobody) == "agent_unknown"
    agent = await network.start_agent()
    told = await network.run("open-order")
    assert code_of(told) == "agent_action_unknown"
    assert "did you mean open-orders?" in str(told.end.failure)
    assert code_of(await network.run("close-order")) == "agent_parameters_invalid"
    # The agent has the last word, on types here.
    told = await network.run("close-order", number="seven")
    assert code_of(told) == "agent_parameters_invalid"
    assert not network.local.asked
    # Not in doubt: it is known that nothing was done.
    assert not told.end.in_doubt

    (network.folder / "orders.sqlite").unlink()
    assert code_of(await network.run("open-orders")) == "agent_query_failed"

    # Killed, it is away at once: the broker says so. The run waits for its next attempt.
    await agent.end()
    await until(lambda: is_away(network), "the agent is away")
    run_id = await network.request("open-orders")
    await until(lambda: has_failed_attempt(network, run_id), "the attempt failed")
    failed = next(event for event in (await network.told(run_id)).events if isinstance(event, AttemptFailed))
    assert failed.failure.code == "agent_away"
    assert failed.failure.retryable
    assert "last heard at" in failed.failure.cause
    assert [len(await network.events(f"event.agent.{what}")) for what in ("back", "away")] == [1, 1]


async def test_double_answers_count_once_and_foreign_ones_not_at_all(network: Network) -> None:
    await network.start_agent()
    await network.broker.subscribe(ANSWERS, qos=1)
    told = await network.run("close-order", number=1)
    heard = await anext(aiter(network.broker.messages))
    assert isinstance(heard.payload, bytes)
    # The whole command again: answered from the journal, not done a second time.
    command = json.loads(heard.payload)["command"]
    again = {"id": command, "action": "close-order", "parameters": {"number": 1},
             "expires_at": "2999-01-01T00:00:00Z", "run_id": str(told.run_id)}  # fmt: skip
    await network.broker.publish("tagwerk/agents/main/office/commands", json.dumps(again), qos=1)
    for _ in range(2):
        heard = await anext(aiter(network.broker.messages))
    # And an answer to a command that it was never given.
    await network.broker.publish(
        ANSWERS, json.dumps({"command": str(told.run_id), "number": 1, "end": {"outcome": "done"}}), qos=1
    )
    await until(lambda: holds(network, 1), "kept as a dead letter")
    (letter,) = await network.bus.read(subjects.DEAD, "dead.>")
    assert json.loads(letter.data)["reason"]["code"] == "agent_message_invalid"
    assert len(network.local.asked) == 1
    pool = network.running["integrations"].pool
    assert await pool.fetchval("select count(*) from agent_answers") == 2


async def test_without_an_answer_it_is_in_doubt_and_a_late_answer_decides_it(network: Network) -> None:
    await network.start_agent()
    network.local.answers.clear()
    run_id = await network.request("close-order", number=1)
    await until(lambda: bool(network.local.asked), "the local system was asked")
    # The answer finds no way, until the run has given up.
    await network.stop("mqtt_bridge")
    pool = network.running["integrations"].pool
    await pool.execute("update agent_commands set answer_by = now()")
    told = await network.ended(run_id)
    assert told.end.state is RunState.INTERRUPTED
    (doubt,) = told.end.in_doubt
    assert "has not answered by" in doubt.cause
    network.local.answers.set()
    await network.start("mqtt_bridge")
    await until(lambda: is_decided(network, run_id), "the late answer decides it")
    (decided,) = [event for event in (await network.told(run_id)).events if isinstance(event, Decided)]
    assert (decided.decision, decided.principal) == (Decision.HAPPENED, "agent-office")
    assert len(network.local.asked) == 1
    agent = await network.agent()
    assert agent is not None
    assert agent.last is not None
    assert (agent.last.outcome, agent.last.late) == ("done", True)


@pytest.mark.parametrize("network", ["nats-server", "mosquitto"], indirect=True)
async def test_killed_in_the_middle_the_agent_says_that_it_does_not_know(network: Network) -> None:
    agent = await network.start_agent()
    network.local.answers.clear()
    run_id = await network.request("close-order", number=1)
    await until(lambda: bool(network.local.asked), "the local system was asked")
    await agent.end(signal.SIGKILL)
    await network.start_agent()
    told = await network.ended(run_id)
    assert told.end.state is RunState.INTERRUPTED
    assert "the agent ended while it was doing it" in told.end.in_doubt[0].cause
    assert len(network.local.asked) == 1


async def test_whoever_is_killed_meanwhile_it_is_done_once_and_the_run_goes_on(network: Network) -> None:
    for name in ("integrations", "mqtt_bridge"):
        await network.stop(name)
    services = {name: await network.spawn(name) for name in ("integrations", "mqtt_bridge")}
    await network.start_agent()
    network.local.answers.clear()
    run_id = await network.request("close-order", number=1)
    await until(lambda: bool(network.local.asked), "the local system was asked")
    for name, process in services.items():
        await process.end()
        await network.spawn(name)
    network.local.answers.set()
    told = await network.ended(run_id)
    assert told.end.state is RunState.SUCCEEDED
    assert told.attempts == [1, 2]
    assert len(network.local.asked) == 1
    assert {record.outcome for record in told.records} == {Outcome.UPDATED}


def code_of(told: Told) -> str | None:
    failure = told.end.failure
    return None if failure is None else str(failure.code)


async def is_away(network: Network) -> bool:
    agent: AgentRow | None = await network.agent()
    return agent is not None and not agent.there


async def has_failed_attempt(network: Network, run_id: UUID) -> bool:
    return "attempt_failed" in (await network.told(run_id)).types


async def is_decided(network: Network, run_id: UUID) -> bool:
    return "decided" in (await network.told(run_id)).types


async def holds(network: Network, number: int) -> bool:
    return len(await network.bus.read(subjects.DEAD, "dead.>")) >= number
