"""A list of runs."""

from rich.console import Console, ConsoleOptions, Group, RenderResult
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from cli.render.words import clock, counts_text, duration, rest, short_ids, state_text
from shared.commands import RunsPage, RunSummary

#: Columns below which a run takes two lines instead of one row.
NARROW = 90


class RunList:
    """A table; on a narrow terminal two lines for each run."""

    def __init__(self, page: RunsPage, *, full_ids: bool) -> None:
        self._page = page
        ids = [run.run_id for run in page.items]
        self._ids = {id: str(id) for id in ids} if full_ids else short_ids(ids)

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        if not self._page.items:
            yield Text("No runs match.", style="dim")
            return
        if options.max_width < NARROW:
            yield from (self._two_lines(run) for run in self._page.items)
        else:
            yield self._table()
        if self._page.next_cursor is not None:
            yield rest(self._page.next_cursor)

    def _table(self) -> Table:
        table = Table(box=None, padding=(0, 2, 0, 0), header_style="bold")
        table.add_column("run", no_wrap=True)
        table.add_column("job", overflow="fold")
        table.add_column("state", no_wrap=True)
        table.add_column("requested (UTC)", no_wrap=True)
        table.add_column("took", justify="right", no_wrap=True)
        table.add_column("records", ratio=1)
        table.add_column("client")
        table.add_column("trigger")
        for run in self._page.items:
            table.add_row(
                self._ids[run.run_id],
                run.job,
                _state(run),
                clock(run.requested_at),
                duration(run.duration),
                _what_came_of_it(run),
                run.client,
                str(run.trigger),
            )
        return table

    def _two_lines(self, run: RunSummary) -> Group:
        head = Text.assemble(_state(run), f"  {run.job}  ", (self._ids[run.run_id], "dim"))
        more = Text(f"{clock(run.requested_at)}  {duration(run.duration)}  ", style="dim")
        return Group(head, Padding(more.append_text(_what_came_of_it(run)), (0, 0, 0, 2)))


def _state(run: RunSummary) -> Text:
    text = state_text(run.state)
    if run.action_required:
        text.append(" !", style="bold red")
    return text


def _what_came_of_it(run: RunSummary) -> Text:
    if run.failure is not None and not run.counts:
        return Text(run.failure.code, style="red")
    if not run.state.final and run.total:
        return Text(f"{run.done or 0} of {run.total}")
    return counts_text(run.counts)
