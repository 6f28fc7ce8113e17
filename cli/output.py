"""Where words go: results to stdout, progress and problems to stderr, and with `--json` nothing but JSON."""

import json
import os
import re
import sys
from collections.abc import Callable, Iterable
from typing import Any, TypeVar

from pydantic import BaseModel
from pydantic_core import to_jsonable_python
from rich.console import Console, ConsoleOptions, RenderableType
from rich.segment import Segment
from rich.text import Text

from cli.exits import Exit
from cli.problems import Problem

#: Columns where the output is no terminal and COLUMNS is not set: enough for full ids.
WIDE = 140

#: What commands a terminal instead of being shown; the end of a line and a tabulator are meant.
_COMMANDS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")

Model = TypeVar("Model", bound=BaseModel)


class Output:
    """One command's two streams. Without a terminal rich writes no control characters."""

    def __init__(self, *, as_json: bool) -> None:
        self.as_json = as_json
        self.out = _console(stderr=False)
        self.err = _console(stderr=True)

    @property
    def full_ids(self) -> bool:
        """Whether ids are written in full: where a program reads them, and where there is room."""
        return not self.out.is_terminal or self.out.width >= WIDE

    def answer(self, model: Model, render: Callable[[Model], RenderableType]) -> None:
        """The command's result: as JSON, or as `render` shows it to a person."""
        if self.as_json:
            self.data(model)
        else:
            self.show(render(model))

    def show(self, view: RenderableType) -> None:
        """Something for people. What is no terminal gets no spaces at the ends of lines."""
        # Uncropped: what was told not to wrap is to be copied or read by programs, and loses nothing.
        if self.out.is_terminal:
            self.out.print(view, crop=False)
            return
        with self.out.capture() as captured:
            self.out.print(view, crop=False)
        lines = captured.get().removesuffix("\n").split("\n")
        self.out.file.write("".join(f"{line.rstrip()}\n" for line in lines))
        self.out.file.flush()

    def data(self, value: BaseModel | dict[str, Any]) -> None:
        """Exactly one JSON document."""
        plain = to_jsonable_python(_ordered(value.model_dump() if isinstance(value, BaseModel) else value))
        sys.stdout.write(json.dumps(plain, indent=2, ensure_ascii=False) + "\n")

    def say(self, words: str) -> None:
        """Something on the way to the result."""
        if not self.as_json:
            self.err.print(words, highlight=False, markup=False)

    def problem(self, problem: Problem) -> None:
        if self.as_json:
            sys.stderr.write(json.dumps(problem.as_data(), indent=2, ensure_ascii=False) + "\n")
            return
        failure = problem.failure
        text = Text()
        text.append(f"✗ {problem.what}", style="bold red")
        text.append(f"  ({failure.code})\n", style="dim")
        for name, words in (
            ("cause", failure.cause),
            ("concern", failure.concern),
            ("next step", failure.next_step),
            ("trace", problem.trace_id if problem.exit is Exit.PROBLEM else None),
        ):
            if words:
                text.append(f"  {name:<10}", style="bold")
                text.append(f"{words}\n")
            if name == "cause" and len(problem.details) > 1:
                for detail in problem.details:
                    text.append(f"            · {detail}\n")
        text.rstrip()
        self.err.print(text, highlight=False)


def _ordered(value: Any) -> Any:
    """Sets as sorted lists: the same answer is written the same each time."""
    if isinstance(value, set | frozenset):
        return sorted(value)
    if isinstance(value, dict):
        return {name: _ordered(one) for name, one in value.items()}
    return [_ordered(one) for one in value] if isinstance(value, list | tuple) else value


class _Screen(Console):
    """A console on which names and texts of others are shown, and cannot command the terminal."""

    def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Iterable[Segment]:
        for segment in super().render(renderable, options):
            if segment.control is None and _COMMANDS.search(segment.text):
                yield Segment(_COMMANDS.sub("\ufffd", segment.text), segment.style)
            else:
                yield segment


def _console(*, stderr: bool) -> Console:
    stream = sys.stderr if stderr else sys.stdout
    width = None if stream.isatty() or "COLUMNS" in os.environ else WIDE
    # Without emoji: `send:a:` is the key of an effect.
    return _Screen(file=stream, width=width, highlight=False, soft_wrap=False, emoji=False)
