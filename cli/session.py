"""One command at work: its connection and its output, and what becomes of its problems."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

from cli.client import Gateway
from cli.connection import find_connection
from cli.exits import Exit
from cli.output import Output
from cli.problems import Problem, file_unusable


@dataclass(frozen=True, slots=True)
class Session:
    gateway: Gateway
    output: Output


def run_in_session(
    body: Callable[[Session], Awaitable[Exit | None]],
    *,
    as_json: bool,
    url: str | None,
    token: str | None,
    state_dir: Path,
) -> Exit:
    """Run `body` to its end and translate how it ended into an exit code."""
    output = Output(as_json=as_json)

    async def connected() -> Exit:
        async with Gateway(find_connection(url, token, state_dir)) as gateway:
            return await body(Session(gateway, output)) or Exit.SUCCEEDED

    try:
        return asyncio.run(connected())
    except Problem as problem:
        output.problem(problem)
        return problem.exit
    except BrokenPipeError:
        raise
    except OSError as error:
        unusable = file_unusable(error)
        output.problem(unusable)
        return unusable.exit
    except KeyboardInterrupt:
        output.say("Stopped by Ctrl-C. What was started goes on: `tagwerk runs` shows it.")
        return Exit.INTERRUPTED
