"""Before a start: checks as a table, choices, systems."""

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from cli.answers import Check, Preflight, SystemsPage, SystemState
from cli.render.words import clock, plain
from shared.commands import Breaker, ChoicesPage, LastCall
from shared.words import BreakerState, CheckVerdict

_STYLES: dict[CheckVerdict, tuple[str, str]] = {
    CheckVerdict.OK: ("✓", "green"),
    CheckVerdict.WARNING: ("!", "yellow"),
    CheckVerdict.REFUSED: ("✗", "red"),
    CheckVerdict.UNKNOWN: ("?", "magenta"),
}


def preflight_view(answer: Preflight) -> RenderableType:
    """The checks, the effect, and what a start wants."""
    grid = _grid()
    for check in answer.checks:
        grid.add_row(_verdict(check.verdict), Text(_name(check)), _said(check.words, check.cause, check.mend))
    return Group(
        Text.assemble((answer.job, "bold"), f"  for {answer.client}" if answer.client else ""),
        Padding(grid, (0, 0, 1, 2)),
        Padding(Text(answer.effect.words), (0, 0, 1, 2)),
        Text(_end(answer), style="bold"),
    )


def _grid() -> Table:
    grid = Table.grid(padding=(0, 2))
    grid.add_column(no_wrap=True)
    grid.add_column(no_wrap=True, style="dim")
    grid.add_column(ratio=1, overflow="fold")
    return grid


def _name(check: Check) -> str:
    return f"{check.check} {check.concern}" if check.concern else check.check


def _verdict(verdict: CheckVerdict) -> Text:
    sign, style = _STYLES[verdict]
    return Text(f"{sign} {verdict}", style=style)


def _said(words: str, cause: str | None, mend: str | None) -> Text:
    said = Text(words)
    if cause:
        said.append(f"\n{cause}", style="dim")
    if mend:
        said.append(f"\n→ {mend}")
    return said


def _end(answer: Preflight) -> str:
    if not answer.may_start:
        return "It would not be started."
    words = "It can be started"
    if answer.dry_run:
        words += " as a dry run"
    if answer.needs_confirmation and not answer.confirmed:
        words += f", with --confirm {answer.job} --reason '…'"
    return words + "."


def choices_view(page: ChoicesPage) -> RenderableType:
    if not page.items:
        return Text("There is nothing to choose from.", style="dim")
    grid = Table.grid(padding=(0, 2))
    for choice in page.items:
        label = choice.label if choice.label != choice.value else ""
        grid.add_row(Text(choice.value, style="bold"), Text(label), Text(choice.detail or "", style="dim"))
    more = [Text("There are more: --text says what to look for.", style="dim")] if page.more else []
    return Group(grid, *more)


def systems_view(page: SystemsPage) -> RenderableType:
    if not page.items:
        return Text("There are no systems that you may see.", style="dim")
    grid = _grid()
    for state in page.items:
        name = f"{state.kind} {state.name}"
        if state.client:
            name += f" ({state.service}, {state.client})"
        grid.add_row(_verdict(state.verdict), Text(name), _state(state))
    return grid


def _state(state: SystemState) -> Text:
    said = _said(state.words, None, state.mend)
    for word, call in (("last good call", state.last_succeeded), ("last bad call", state.last_failed)):
        if call is not None:
            said.append(f"\n{word} {_call(call)}", style="dim")
    for breaker in state.breakers:
        said.append(f"\n{_breaker(breaker)}", style="dim" if breaker.since is None else "yellow")
    return said


def _breaker(breaker: Breaker) -> str:
    if breaker.failing_since is None:
        reached = f"last reached {clock(breaker.last_success)}" if breaker.last_success else "never called"
        return f"{breaker.host}: {reached}"
    calls = f"{breaker.failures} call{'' if breaker.failures == 1 else 's'} failed"
    said = f"{breaker.host}: {calls} since {clock(breaker.failing_since)}: {breaker.last_error}"
    if breaker.state is BreakerState.CLOSED or breaker.next_try is None:
        return said
    if breaker.state is BreakerState.HALF_OPEN:
        return f"{said}; the next call tries it"
    return f"{said}; not called before {clock(breaker.next_try)}"


def _call(call: LastCall) -> str:
    cause = call.failure.cause if call.failure else call.detail
    return f"{clock(call.started_at)}, {plain(call.operation)}" + (f": {cause}" if cause else "")
