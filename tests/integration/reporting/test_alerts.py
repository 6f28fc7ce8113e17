"""Alerts from what the streams say to a mail and a webhook, and their end."""

from datetime import timedelta
from typing import Any

import pytest
from nats.aio.msg import Msg

from services.reporting.alerts.measures import measure_alerts
from shared import subjects
from shared.commands import (
    AlertRow,
    CloseAlert,
    EndSilence,
    Reply,
    RunsPage,
    Scope,
    SetSilence,
    SilenceRow,
    SilencesPage,
    SilencesQuery,
)
from shared.dead_letters import bury, list_dead_letters, replay
from shared.errors import TagwerkError
from shared.events import (
    Decided,
    DoubtfulEffect,
    Occurrence,
    QueueUnworked,
    QueueWorked,
    SystemReachable,
    SystemUnreachable,
    now,
)
from shared.metrics.registry import REGISTRY
from shared.words import (
    AlertKind,
    AlertNews,
    Decision,
    OccurrenceVerdict,
    RunState,
    Severity,
    TellingState,
)
from tests.integration.reporting.alerting import JOB, World, failure, world
from tests.integration.reporting.conftest import until
from tests.support.webhook_receiver import SECRET

__all__ = ["world"]


async def test_an_alert_opens_is_told_counts_and_closes_when_its_cause_is_gone(world: World) -> None:
    await world.start()
    first = await world.run(RunState.FAILED, failure=failure("the feed is closed"))
    await world.run(RunState.FAILED, client="other", failure=failure("the feed is closed"))

    async def both() -> bool:
        return len(await world.alerts(kind=AlertKind.RUN_FAILED)) == 2

    await until(both)
    await measure_alerts(world.installation.service.pool)
    metric = "tagwerk_alerts_open"
    opened = {one: REGISTRY.get_sample_value(metric, {"severity": one}) for one in Severity}
    assert opened == {Severity.WARNING: 2, Severity.CRITICAL: 0}
    (alert,) = await world.alerts(client="acme")
    assert (alert.why, alert.next_step, alert.run_id) == ("the feed is closed", "Correct it.", first)
    second = await world.run(RunState.PARTIALLY_FAILED)

    async def counted() -> bool:
        (row,) = await world.alerts(client="acme")
        return row.count == 2 and row.run_id == second

    await until(counted)
    # A dry run and a cancelled one say nothing; the success of another client neither.
    await world.run(RunState.CANCELLED)
    await world.run(RunState.SUCCEEDED)
    closed = await world.alert(AlertKind.RUN_FAILED, state="closed")
    assert (closed.alert_id, closed.count, closed.closed_by) == (alert.alert_id, 2, None)
    assert [(told.what, told.destination, told.state) for told in closed.tellings] == [
        (what, destination, TellingState.SENT)
        for what in (AlertNews.OPENED, AlertNews.CLOSED)
        for destination in ("duty@example.com", "webhook:pager")
    ]
    (other,) = await world.alerts(kind=AlertKind.RUN_FAILED)
    assert other.client == "other"

    mails = [caught.mail for caught in world.installation.catcher.mails]
    assert {str(mail["To"]) for mail in mails} == {"duty@example.com"}
    ids = {str(told.telling_id) for told in closed.tellings if "@" in told.destination}
    assert all(any(id in str(mail["Message-ID"]) for mail in mails) for id in ids)
    assert str(mails[-1]["Subject"]) == f"Vorbei: {JOB} ist fehlgeschlagen"
    body = mails[0].get_body(("plain",))
    assert body is not None
    text = body.get_content()
    assert f"https://tagwerk.example/runs/{first}" in text
    assert "the feed is closed" in text
    said = [item for body in world.receiver.said for item in body["data"]["alerts"]]
    ends = [item for item in said if item["closed_at"]]
    assert [item["alert_id"] for item in ends] == [str(alert.alert_id)]
    assert world.receiver.forged == 0

    # Who sees neither the job nor the client finds nothing.
    assert not await world.alerts(scope=Scope(jobs=frozenset()), platform=False)
    assert not await world.alerts(scope=Scope(clients=frozenset({"acme"})))
    for stream in (subjects.RUNS, subjects.EVENTS, subjects.AUDIT):
        for message in await world.bus.read(stream, subjects.STREAMS[stream][0]):
            assert SECRET.encode() not in message.data
            assert b"duty@" not in message.data or message.subject == "audit.rules_changed"


async def test_two_replicas_tell_once_and_what_began_before_them_they_only_show(world: World) -> None:
    await world.run(RunState.FAILED, client="before", failure=failure("closed"))
    # The tables of tests are made long before them.
    await world.installation.execute("update alerts_begin set began_at = now()")
    await world.start()
    await world.start()
    await world.run(RunState.FAILED, failure=failure("closed"))

    async def both() -> bool:
        return len(await world.alerts()) == 2

    await until(both)
    told = await world.alert_of("acme")
    assert {one.state for one in told.tellings} == {TellingState.SENT}
    (old,) = await world.alerts(client="before")
    assert (old.quiet, old.tellings) == (True, [])
    # The one that leads goes: the other goes on where it was.
    await world.installation.service.stop()
    await world.run(RunState.SUCCEEDED)

    async def over() -> bool:
        rows = await world.alerts(state="closed")
        return bool(rows) and [one.state for one in rows[0].tellings] == [TellingState.SENT] * 4

    await until(over)
    assert len(world.installation.catcher.mails) == 2
    assert len(world.receiver.ids) == 2


async def test_each_kind_opens_and_closes_by_what_its_streams_say(world: World) -> None:
    await world.start()
    run = await world.run(
        RunState.INTERRUPTED,
        in_doubt=[DoubtfulEffect(effect=f"mail:{n}", cause="it broke off") for n in (1, 2)],
    )
    told: dict[str, Any] = {"client": "acme", "principal": "service-scheduler"}
    unworked = QueueUnworked(**told, job=JOB, waiting=3, service_alive=False)
    await world.installation.tell(unworked)
    lost: dict[str, Any] = {"system": "erp", "host": "erp.example:443", "service": "integrations"}
    away = SystemUnreachable(**told, **lost, since=now(), cause="no answer in time")
    await world.installation.tell(away)
    for minute, verdict in ((1, OccurrenceVerdict.MISSED), (2, OccurrenceVerdict.MISSED)):
        await world.bus.publish(
            subjects.occurrence(JOB, now().replace(minute=minute)),
            Occurrence(
                schedule=JOB, job=JOB, client="acme", nominal=now().replace(minute=minute), verdict=verdict
            ).encode(),
        )
    for sequence in (7, 8):
        await bury(
            world.bus, durable="mqtt-ingress", stream="INGRESS", subject="ingress.mqtt.x", sequence=sequence,
            data=b"{}", reason=failure("it is no event"),
        )  # fmt: skip

    async def all_open() -> bool:
        rows = {row.kind: row.count for row in await world.alerts()}
        return rows == {
            AlertKind.NEEDS_DECISION: 2, AlertKind.UNWORKED: 1, AlertKind.MISSED: 2, AlertKind.DEAD_LETTER: 2,
            AlertKind.SYSTEM_UNREACHABLE: 1,
        }  # fmt: skip

    await until(all_open)
    letters = await world.alert(AlertKind.DEAD_LETTER)
    assert {told.destination for told in letters.tellings} == {"webhook:pager", "gone@example.com"}
    assert not [row for row in await world.alerts(platform=False) if row.kind is AlertKind.DEAD_LETTER]

    back = SystemReachable(**told, **lost, since=now(), unreachable_since=away.since)
    await world.installation.tell(back)
    await world.installation.tell(QueueWorked(**told, job=JOB, opened_by=unworked.id))
    for n in (1, 2):
        await world.tell_run(
            Decided(
                run_id=run, effect=f"mail:{n}", decision=Decision.HAPPENED, principal="ada", reason="seen"
            )
        )
    await world.bus.publish(
        subjects.occurrence(JOB, now().replace(minute=3)),
        Occurrence(
            schedule=JOB, job=JOB, client="acme", nominal=now().replace(minute=3),
            verdict=OccurrenceVerdict.STARTED,
        ).encode(),
    )  # fmt: skip

    async def letters_only() -> bool:
        return {row.kind for row in await world.alerts()} == {AlertKind.DEAD_LETTER}

    await until(letters_only)
    # A person closes it; the same letters do not open it again, another one does.
    command = CloseAlert(alert_id=letters.alert_id, reason="read and done", principal="ada")
    closed = await world.bus.ask(subjects.CLOSE_ALERT, command, AlertRow)
    assert (closed.closed_by, closed.close_reason) == ("ada", "read and done")
    with pytest.raises(TagwerkError, match="or it is closed"):
        await world.bus.ask(subjects.CLOSE_ALERT, command, AlertRow)
    assert not await world.alerts()


async def test_a_dead_endpoint_is_tried_again_with_the_same_id_and_holds_up_nobody(world: World) -> None:
    world.receiver.answers = [503]
    world.receiver.open.clear()
    await world.start()
    await world.run(RunState.FAILED, failure=failure("closed"))

    async def mailed() -> bool:
        return len(world.installation.catcher.mails) == 1

    await until(mailed)
    assert not world.receiver.ids
    world.receiver.open.set()
    alert = await world.alert(AlertKind.RUN_FAILED)
    assert {told.state for told in alert.tellings} == {TellingState.SENT}
    assert len(world.receiver.ids) == 2
    assert len(set(world.receiver.ids)) == 1
    assert len(world.receiver.said) == 1


async def test_a_silence_holds_back_what_is_told_and_says_so(world: World) -> None:
    await world.start()
    for days, says in ((-1, "within 31 days"), (40, "within 31 days")):
        ask = SetSilence(
            reason="a migration", ends_at=now() + timedelta(days=days), principal="ada", jobs=["*"]
        )
        with pytest.raises(TagwerkError, match=says):
            await world.bus.ask(subjects.SET_SILENCE, ask, SilenceRow)
    ask = ask.model_copy(update={"ends_at": now() + timedelta(days=1), "jobs": ["integrations.*", " "]})
    silence = await world.bus.ask(subjects.SET_SILENCE, ask, SilenceRow)
    assert (silence.active, silence.jobs) == (True, ["integrations.*"])

    # One is over before the silence is: nobody hears of it. The other is told when the silence ends.
    await world.run(RunState.FAILED, client="over", failure=failure("closed"))
    await world.run(RunState.SUCCEEDED, client="over")
    await world.run(RunState.FAILED, failure=failure("closed"))
    await world.installation.knows(
        "select exists(select from alerts where closed_at is not null)"
        " and exists(select from alerts where closed_at is null)"
        " and not exists(select from alert_news join alerts using (alert_id)"
        "  where closed_at is not null and not dropped)"
    )
    (held,) = await world.alerts()
    assert held.silence is not None
    assert held.silence.reason == "a migration"
    assert {told.state for told in held.tellings} == {None}
    end = EndSilence(silence_id=silence.silence_id, principal="ben")
    ended = await world.bus.ask(subjects.END_SILENCE, end, SilenceRow)
    assert (ended.active, ended.ended_by) == (False, "ben")
    with pytest.raises(TagwerkError, match="or it has ended"):
        await world.bus.ask(subjects.END_SILENCE, end, SilenceRow)
    told = await world.alert(AlertKind.RUN_FAILED)
    assert told.silence is None
    assert len(world.installation.catcher.mails) == 1
    found = await world.bus.ask(subjects.query("reporting", "silences"), SilencesQuery(), SilencesPage)
    assert [one.silence_id for one in found.items] == [silence.silence_id]

    async def audited() -> bool:
        stored = await world.bus.read(subjects.AUDIT, "audit.>")
        return {"audit.alerts_silenced", "audit.silence_ended"} <= {one.subject for one in stored}

    await until(audited)


async def test_what_no_stream_tells_is_looked_at(world: World) -> None:
    await world.start()
    for sequence in (7, 8):
        await bury(
            world.bus, durable="mqtt-ingress", stream="INGRESS", subject="ingress.mqtt.x", sequence=sequence,
            data=b"{}", reason=failure("it is no event"),
        )  # fmt: skip
    await world.alert(AlertKind.DEAD_LETTER)
    looks = world.looks(patience=0.0)
    await looks.look()
    # Nobody projects.
    await looks.look()
    behind = await world.alert(AlertKind.PROJECTION_BEHIND)
    assert behind.why == "the status service is not running"

    async def answer(msg: Msg) -> None:
        await world.bus.nc.publish(msg.reply, Reply(data=RunsPage(items=[])).model_dump_json().encode())

    await world.bus.nc.subscribe(subjects.query("status", "runs"), cb=answer)
    for letter in await list_dead_letters(world.bus):
        await replay(world.bus, letter.id)
        await looks.look()
        # One of them is still there after the first.
    assert {row.kind for row in await world.alerts(state="closed")} == {
        AlertKind.PROJECTION_BEHIND,
        AlertKind.DEAD_LETTER,
    }
    assert not await world.alerts()
