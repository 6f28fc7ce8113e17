"""What a person sees while runs work: a bar for each on a terminal, a line for each step without one."""

from dataclasses import dataclass, field
from types import TracebackType
from uuid import UUID

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TaskID, TextColumn
from rich.progress import TimeElapsedColumn as Elapsed
from rich.table import Column

from shared.events import (
    AttemptFailed,
    CancelRequested,
    Finished,
    Progressed,
    Recorded,
    Requested,
    RunEvent,
    Started,
)
from shared.words import Outcome

#: Columns below which bars are short.
NARROW = 90


def _cut() -> Column:
    """What is said last is cut where the terminal ends: a bar is one line."""
    return Column(ratio=1, no_wrap=True, overflow="ellipsis")


@dataclass(slots=True)
class LiveRun:
    """One run as its events have told it so far."""

    label: str
    words: str = "waiting to be requested"
    done: int = 0
    total: int | None = None
    attempt: int = 0
    final: bool = False
    #: Record key -> outcome.
    records: dict[str, Outcome] = field(default_factory=dict)

    def add(self, event: RunEvent) -> None:
        match event:
            case Requested():
                self.words = "queued"
            case Started():
                self.attempt = event.attempt
                self.words = "running" if event.attempt == 1 else f"running, attempt {event.attempt}"
            case Progressed():
                self.done, self.total = event.done, event.total
                self.words = event.message or self.words
            case Recorded():
                self.records.update({record.key: record.outcome for record in event.records})
                self.done = max(self.done, len(self.records))
                newest = event.records[-1]
                if newest.message:
                    self.words = newest.message
            case AttemptFailed():
                self.words = f"waiting for another attempt: {event.failure.cause}"
            case CancelRequested():
                self.words = "asked to stop"
            case Finished():
                self.final = True
                self.words = event.state.replace("_", " ")
            case _:
                pass


class Bars:
    """Shows runs while they work. Use as a context manager."""

    def __init__(self, console: Console, *, quiet: bool) -> None:
        self._console = console
        self._quiet = quiet
        self._runs: dict[UUID, LiveRun] = {}
        self._tasks: dict[UUID, TaskID] = {}
        self._progress = Progress(
            SpinnerColumn(finished_text="•"),
            TextColumn("{task.fields[label]}", markup=False),
            BarColumn(bar_width=10 if console.width < NARROW else 30),
            MofNCompleteColumn(),
            Elapsed(),
            TextColumn("{task.fields[words]}", style="dim", markup=False, table_column=_cut()),
            console=console,
            expand=True,
            disable=quiet or not console.is_terminal,
        )

    def __enter__(self) -> "Bars":
        self._progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._progress.stop()

    def add(self, run_id: UUID, label: str) -> None:
        self._runs[run_id] = run = LiveRun(label)
        self._tasks[run_id] = self._progress.add_task("", total=None, label=label, words=run.words)

    def seen(self, event: RunEvent) -> None:
        run = self._runs[event.run_id]
        before = (run.words, run.done)
        run.add(event)
        total = run.total if run.total is not None else (run.done or 1 if run.final else None)
        self._progress.update(
            self._tasks[event.run_id],
            completed=run.done or (total or 0 if run.final else 0),
            total=total,
            words=run.words,
        )
        if not self._quiet and not self._console.is_terminal and (run.words, run.done) != before:
            of = f" {run.done}/{run.total}" if run.total else f" {run.done} so far," if run.done else ""
            self._console.print(f"{run.label}:{of} {run.words}", highlight=False, markup=False)
