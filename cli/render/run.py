"""One run: what happened in a sentence, what to do, the seven answers, and how it went step by step."""

from rich.console import Console, ConsoleOptions, Group, RenderableType, RenderResult
from rich.padding import Padding
from rich.rule import Rule
from rich.table import Table
from rich.text import Text

from cli.render.words import STATE_STYLES, clock, duration, moment, plain
from shared.commands import RunDetail
from shared.errors import Failure

#: Columns from which on an answer stands beside its question.
ROOM_FOR_TWO_COLUMNS = 96


def run_view(run: RunDetail) -> Group:
    """Everything that the status service knows of a run, but its lists."""
    parts: list[RenderableType] = [headline(run), facts(run), _heading("The seven answers"), Answers(run)]
    if run.failure is not None:
        parts += [_heading("What went wrong"), failure_view(run.failure)]
    if run.in_doubt:
        parts += [_heading("In doubt"), _in_doubt(run)]
    if len(run.attempts) > 1:
        parts += [_heading("Attempts"), _attempts(run)]
    if run.timeline:
        parts += [_heading("Timeline"), timeline(run)]
    return Group(*parts)


def headline(run: RunDetail) -> Text:
    """The state in one sentence, and whether somebody has to act."""
    sign, style = STATE_STYLES[run.state]
    text = Text.assemble((f"{sign} {run.sentence}", f"bold {style}"), "\n  ")
    if run.action_required:
        text.append("Action is required.", style="bold red")
        if run.failure is not None:
            text.append(f" {run.failure.next_step}")
        elif run.in_doubt:
            text.append(" Find out whether it happened, then decide.")
    elif run.state.final:
        text.append("No action is required.", style="dim")
    else:
        text.append("It is not over yet.", style="dim")
    return text


def facts(run: RunDetail) -> RenderableType:
    rows: list[tuple[str, str]] = [("run", str(run.run_id)), ("job", run.job), ("client", run.client)]
    asked = run.principal
    if run.effective_principal != run.principal:
        asked += f", as {run.effective_principal}"
    because = str(run.trigger)
    if run.cause is not None and run.cause.event_type:
        because += f" ({run.cause.event_type})"
    rows.append(("asked by", f"{asked}, {because}"))
    if run.reason:
        rows.append(("reason", run.reason))
    rows.append(("requested", moment(run.requested_at)))
    if run.duration is not None:
        expected = f" (expected: {duration(run.expected_runtime)})" if run.expected_runtime else ""
        rows.append(("took", duration(run.duration) + expected))
    if run.parameters:
        rows.append(("parameters", ", ".join(f"{name} = {value}" for name, value in run.parameters.items())))
    if run.about:
        rows.append(("about", ", ".join(run.about)))
    if run.only_records is not None:
        rows.append(("only", f"{len(run.only_records)} records of the run that it repeats"))
    if run.rerun_of is not None:
        rows.append(("rerun of", str(run.rerun_of)))
    if run.reruns:
        rows.append(("reruns", ", ".join(map(str, run.reruns))))
    if run.caused_runs:
        rows.append(("caused", ", ".join(map(str, run.caused_runs))))
    if run.idempotency_key:
        rows.append(("key", run.idempotency_key))
    if run.traceparent:
        rows.append(("trace", run.traceparent.split("-")[1] if "-" in run.traceparent else run.traceparent))
    if run.note:
        rows.append(("note", run.note))
    if run.history_incomplete:
        rows.append(("history", "incomplete: an event could not be decoded, see `tagwerk dead-letters`"))
    return Padding(_pairs(rows), (1, 0, 0, 2))


class Answers:
    """The seven, numbered as in the documentation; beside their questions where there is room."""

    def __init__(self, run: RunDetail) -> None:
        self._answers = run.answers

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        beside = options.max_width >= ROOM_FOR_TWO_COLUMNS
        table = Table.grid(padding=(0, 2, 0, 0))
        table.add_column(justify="right", style="dim", no_wrap=True)
        if beside:
            table.add_column(style="bold", width=30)
        table.add_column(ratio=1)
        for number, answer in enumerate(self._answers, start=1):
            if beside:
                table.add_row(str(number), answer.title, Text(answer.words))
            else:
                table.add_row(str(number), Text.assemble((answer.title, "bold"), "\n", answer.words))
        yield Padding(table, (0, 0, 0, 2))


def failure_view(failure: Failure) -> RenderableType:
    rows = [("error", failure.code), ("cause", failure.cause)]
    if failure.concern:
        rows.append(("concern", failure.concern))
    rows.append(("next step", failure.next_step))
    rows.append(("again?", "may help without a change" if failure.retryable else "does not help by itself"))
    if failure.origin:
        rows.append(("origin", failure.origin))
    return Padding(_pairs(rows), (0, 0, 0, 2))


def timeline(run: RunDetail) -> RenderableType:
    """Each event with the seconds since the request."""
    table = Table.grid(padding=(0, 2))
    table.add_column(justify="right", style="dim", no_wrap=True)
    table.add_column(ratio=1)
    for entry in run.timeline:
        after = max(0.0, (entry.time - run.requested_at).total_seconds())
        words = Text(entry.words)
        if entry.stale:
            words.append(" (said by an attempt that was already replaced; changed nothing)")
            words.stylize("dim")
        table.add_row(f"+{duration(after)}", words)
    return Padding(table, (0, 0, 0, 2))


def _attempts(run: RunDetail) -> RenderableType:
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="bold")
    for name in ("attempt", "from (UTC)", "to", "ended", "worker"):
        table.add_column(name)
    for attempt in run.attempts:
        ended = plain(attempt.outcome)
        if attempt.failure is not None:
            ended += f": {attempt.failure.cause}"
        table.add_row(
            str(attempt.attempt),
            clock(attempt.started_at),
            clock(attempt.ended_at) if attempt.ended_at else "–",
            ended,
            attempt.worker,
        )
    return Padding(table, (0, 0, 0, 2))


def _in_doubt(run: RunDetail) -> RenderableType:
    text = Text()
    for effect in run.in_doubt:
        text.append(f"{effect.effect}: {effect.cause}\n")
        text.append("  tagwerk decide ", style="dim")
        text.append(f"{run.run_id} '{effect.effect}' happened|repeat --reason '…'\n", style="dim")
    text.rstrip()
    return Padding(text, (0, 0, 0, 2))


def _pairs(rows: list[tuple[str, str]]) -> Table:
    table = Table.grid(padding=(0, 2))
    table.add_column(style="dim", no_wrap=True)
    table.add_column(ratio=1, overflow="fold")
    for name, words in rows:
        table.add_row(name, Text(words))
    return table


def _heading(words: str) -> RenderableType:
    return Padding(Rule(words, align="left", style="dim"), (1, 0, 0, 0))
