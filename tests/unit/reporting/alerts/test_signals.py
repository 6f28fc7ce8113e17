"""What each message says about a cause, and the sentences of mails about it."""

from datetime import timedelta
from zoneinfo import ZoneInfo

import pytest

from services.reporting.alerts.content import NAMED, Item, content_of, webhook_body
from services.reporting.alerts.core import FOR_GOOD, Signal
from services.reporting.alerts.mail import compose
from services.reporting.alerts.signals import of_audit, of_end, of_event, of_occurrence
from services.reporting.alerts.words import SENTENCES, Words
from shared.audit import AuditEntry
from shared.errors import ExternalSystemNotReached
from shared.events import (
    AgentAway,
    AgentBack,
    Finished,
    Occurrence,
    Requested,
    RunFound,
    RunLost,
    RunOverdue,
    RunOverdueEnded,
    now,
)
from shared.ids import new_id
from shared.words import AlertKind, AlertNews, OccurrenceVerdict, RunState, Severity, Trigger

AT = now()
RUN = new_id()
TOLD = {"client": "acme", "principal": "service-scheduler", "run_id": RUN, "job": "documents.ocr"}


def request(**more: object) -> Requested:
    fields = {
        "run_id": RUN, "job": "documents.ocr", "client": "acme", "principal": "ada",
        "effective_principal": "ada", "trigger": Trigger.EVENT, **more,
    }  # fmt: skip
    return Requested.model_validate(fields)


def test_what_failed_is_the_job_for_a_client_or_about_something() -> None:
    end = Finished(run_id=RUN, attempt=1, state=RunState.TIMED_OUT)
    plain, about, other = (
        of_end("documents.ocr", request(**more), end)[0].cause.key
        for more in ({}, {"about": ["document:1"]}, {"client": "other"})
    )
    assert len({plain, about, other}) == 3
    (late,) = of_end("documents.ocr", request(), end)
    assert late.why == "it took longer than it may"
    assert of_end("documents.ocr", request(dry_run=True), end) == []
    assert of_end("documents.ocr", None, end)[0].cause.client is None


def test_an_event_that_closes_names_the_one_that_opened() -> None:
    lost = RunLost(**TOLD, attempt=2, worker="host:1", started_at=AT, silent=50)
    found = RunFound(**TOLD, attempt=2, how="ended", opened_by=lost.id)
    overdue = RunOverdue(**TOLD, attempt=1, started_at=AT, expected_runtime=2, allowed=30)
    over = RunOverdueEnded(**TOLD, opened_by=overdue.id)
    for opens, closes in ((lost, found), (overdue, over)):
        one, other = of_event(opens), of_event(closes)
        assert isinstance(one, Signal)
        assert isinstance(other, Signal)
        assert (one.cause.kind, one.cause.key, one.part) == (other.cause.kind, other.cause.key, other.part)
        assert (one.holds, other.holds, other.rank) == (True, False, FOR_GOOD)
    assert of_event(request()) is None  # type: ignore[arg-type]  # a message that is none of them


def test_an_agent_is_away_for_its_client_until_it_is_back() -> None:
    told = {"client": "acme", "principal": "agent-press", "agent": "press"}
    away, back = of_event(AgentAway(**told, seen_at=AT)), of_event(AgentBack(**told))
    assert isinstance(away, Signal)
    assert isinstance(back, Signal)
    assert away.cause == back.cause
    assert (away.holds, back.holds) == (True, False)
    elsewhere = of_event(AgentAway(**{**told, "client": "other"}, seen_at=AT))
    assert isinstance(elsewhere, Signal)
    assert elsewhere.cause.key != away.cause.key


@pytest.mark.parametrize("verdict", OccurrenceVerdict)
def test_a_missed_occurrence_is_over_with_a_later_one_or_when_somebody_takes_note(
    verdict: OccurrenceVerdict,
) -> None:
    told = of_occurrence(Occurrence(schedule="x.y", job="x.y", client="acme", nominal=AT, verdict=verdict))
    if verdict is OccurrenceVerdict.SKIPPED:
        assert told is None
        return
    assert told is not None
    assert (told.holds, told.rank) == (verdict is OccurrenceVerdict.MISSED, AT)
    noted = of_audit(AuditEntry(action="missed_seen", principal="ada", concern="schedule:x.y"))
    assert noted is not None
    assert (noted.cause.key, noted.cause.kind) == (told.cause.key, told.cause.kind)
    assert of_audit(AuditEntry(action="signed_in", principal="ada", concern="schedule:x.y")) is None


def item(number: int = 1, **more: object) -> Item:
    fields = {
        "alert_id": new_id(), "what": AlertNews.OPENED, "kind": AlertKind.RUN_FAILED,
        "severity": Severity.WARNING, "concern": f"job.{number}", "client": "acme", "why": "it <failed>",
        "next_step": "Look.", "run_id": RUN, "opened_at": AT + timedelta(seconds=number), "count": 1, **more,
    }  # fmt: skip
    return Item.model_validate(fields)


def test_a_message_names_what_is_urgent_first_and_each_alert_once() -> None:
    urgent = item(9, severity=Severity.CRITICAL)
    over = item(0, closed_at=AT, what=AlertNews.CLOSED)
    again = item(3)
    found = [item(n) for n in range(1, 60)] + [again, again.model_copy(update={"count": 4}), over, urgent]
    content = content_of(found, AT)
    assert content.items[0] == urgent
    assert (len(content.items), content.more) == (NAMED, 62 - NAMED)
    assert content_of([over, urgent], AT).items[1] == over
    assert b'"type":"alerts.changed"' in webhook_body(content)


def test_a_mail_says_it_in_the_language_of_the_rules() -> None:
    content = content_of([item(2, count=3), item(1, severity=Severity.CRITICAL)], AT)
    mail = compose(
        content, Words("de", ZoneInfo("Europe/Zurich")), rule="alles", sender="Tagwerk <t@example.com>",
        recipient="it@example.com", message_id="<1@example.com>", address=None,
    )  # fmt: skip
    assert mail["Subject"] == "2 Alarme, der erste: job.1 ist fehlgeschlagen"
    text, html = (mail.get_body((kind,)) for kind in ("plain", "html"))
    assert text is not None
    assert html is not None
    assert "3-mal" in text.get_content()
    assert "it &lt;failed&gt;" in html.get_content()
    assert "http" not in text.get_content()
    assert set(SENTENCES) == set(AlertKind)


def test_a_mail_says_what_services_said_in_the_language_of_the_rules() -> None:
    failure = ExternalSystemNotReached("erp", "no connection: 127.0.0.1 refuses it").failure
    content = content_of([item(1, why=failure.cause, next_step=failure.next_step)], AT)
    mail = compose(
        content, Words("de", ZoneInfo("Europe/Zurich")), rule="alles", sender="Tagwerk <t@example.com>",
        recipient="it@example.com", message_id="<1@example.com>", address=None,
    )  # fmt: skip
    for body in (mail.get_body(("plain",)), mail.get_body(("html",))):
        assert body is not None
        assert "keine Verbindung: 127.0.0.1 lehnt sie ab" in body.get_content()
        assert failure.next_step not in body.get_content()
    # Programs get what was said.
    assert failure.cause.encode() in webhook_body(content)
