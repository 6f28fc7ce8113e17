"""A run as plain text for a support ticket: exact, in English and UTC, whoever reads it. Pure."""

from datetime import UTC, datetime

import orjson

from shared.commands import RunDetail
from shared.errors import Failure

#: Characters of the parameters: a list of a thousand keys helps nobody.
PARAMETERS_LIMIT = 4_000


def ticket_of(run: RunDetail, *, version: str, url: str, trace_id: str | None) -> str:
    lines = [
        f"Run {run.run_id}",
        url,
        "",
        f"Job: {run.job}",
        f"Client: {run.client}",
        f"State: {run.state.value}. {run.sentence}",
        f"Action required: {'yes' if run.action_required else 'no'}",
        f"Requested: {_moment(run.requested_at)} by {run.principal} ({run.trigger.value})",
        f"Works as: {run.effective_principal}",
        f"Started: {_moment(run.started_at)}",
        f"Finished: {_moment(run.finished_at)}",
        f"Records: {', '.join(f'{n} {outcome}' for outcome, n in run.counts.items()) or 'none'}",
        f"External calls: {run.calls}",
    ]
    if run.failure is not None:
        lines += ["", *_failure(run.failure)]
    if run.in_doubt:
        lines += ["", "In doubt:", *(f"- {doubt.effect}: {doubt.cause}" for doubt in run.in_doubt)]
    lines += ["", *(f"{answer.title} {answer.words}" for answer in run.answers)]
    if run.attempts:
        lines += ["", "Attempts:"]
        for attempt in run.attempts:
            ended = _moment(attempt.ended_at)
            failed = f", {attempt.failure.code}: {attempt.failure.cause}" if attempt.failure else ""
            lines.append(
                f"- {attempt.attempt} on {attempt.worker}: {_moment(attempt.started_at)} to {ended},"
                f" {attempt.outcome}{failed}"
            )
    parameters = orjson.dumps(run.parameters, option=orjson.OPT_SORT_KEYS).decode()
    if len(parameters) > PARAMETERS_LIMIT:
        parameters = f"{parameters[:PARAMETERS_LIMIT]}… ({len(parameters)} characters)"
    lines += ["", f"Parameters: {parameters}"]
    if run.reason:
        lines.append(f"Reason: {run.reason}")
    if run.rerun_of:
        lines.append(f"Rerun of: {run.rerun_of}")
    if run.cause is not None and run.cause.run_id is not None:
        lines.append(f"Caused by run: {run.cause.run_id}")
    lines += [f"Trace: {trace_id or 'none'}", f"Last event: {run.sequence}", f"Tagwerk {version}"]
    return "\n".join(lines) + "\n"


def _failure(failure: Failure) -> list[str]:
    return [
        f"Failure: {failure.code}",
        f"Cause: {failure.cause}",
        *([f"Concerns: {failure.concern}"] if failure.concern else []),
        *([f"Origin: {failure.origin}"] if failure.origin else []),
        f"Next step: {failure.next_step}",
    ]


def _moment(time: datetime | None) -> str:
    return "-" if time is None else f"{time.astimezone(UTC):%Y-%m-%d %H:%M:%S.%f}"[:-3] + " UTC"
