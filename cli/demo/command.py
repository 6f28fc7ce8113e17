"""`tagwerk demo`: a stack, the tour, the report, and nothing left running."""

import asyncio
import signal
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import httpx
import psutil

from cli.client import Gateway
from cli.connection import CREDENTIALS, Connection, find_connection
from cli.demo.machine import MACHINE, write_rules
from cli.demo.office import USER
from cli.demo.post import PostOffice, can_open, open_post_office
from cli.demo.show import Show
from cli.demo.story import Story
from cli.demo.tour import new_story, take_tour
from cli.demo.world import World
from cli.exits import Exit
from cli.output import Output
from cli.problems import Problem
from cli.report.page import write_report
from cli.session import Session
from deploy.local.config import SERVICES, StackConfig
from deploy.local.mqtt import address_of_device, bridge_of
from deploy.local.stack import LocalStack
from shared.errors import TagwerkError

#: Seconds until everything serves; the first start on a slow machine initializes the database.
READY_WITHIN = 120.0


def run_demo(state: Path, *, report: Path | None) -> Exit:
    """Take the tour. Succeeds only if everything was as expected and no process is left."""
    output = Output(as_json=False)
    show = Show(output)
    try:
        story = asyncio.run(_tour_on_stack(state, report or state / "demo-report.html", output, show))
    except Problem as problem:
        output.problem(problem)
        return problem.exit
    except TagwerkError as error:
        output.problem(Problem("The stack cannot be started", error.failure, Exit.PROBLEM))
        return Exit.PROBLEM
    except (KeyboardInterrupt, asyncio.CancelledError):
        output.say("Stopped. What was done stays; `tagwerk demo` goes on from there.")
        return Exit.INTERRUPTED
    show.checks(story)
    return Exit.SUCCEEDED if story.all_held else Exit.FAILED


async def _tour_on_stack(state: Path, report: Path, output: Output, show: Show) -> Story:
    tour = asyncio.current_task()
    assert tour is not None
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, tour.cancel)
    show.title()
    async with _stack(state, show) as (connection, ready_after, post):
        story = new_story(connection.url)
        story.ready_after = ready_after
        async with Gateway(connection) as gateway:
            world = World(
                machine=address_of_device(state, MACHINE),
                agent=address_of_device(state, USER),
                office=state / "demo-office",
                post=post,
            )
            await take_tour(Session(gateway, output), show, story, world)
        show.chapter("All of this as a page")
        write_report(story, report)
        show.say(str(report.absolute()))
    if ready_after is not None:
        left = [process.name() for process in psutil.Process().children(recursive=True)]
        story.check("no process is left running", not left, ", ".join(left))
        show.say("The stack is stopped; its state stays. `make up` opens the same runs.")
    return story


@asynccontextmanager
async def _stack(
    state: Path, show: Show
) -> AsyncIterator[tuple[Connection, float | None, PostOffice | None]]:
    """The stack that runs on this state already, or one of our own; with the seconds until it was ready, and
    the post office that it knows."""
    running = await _running(state)
    if running is not None:
        show.chapter("A stack is running already")
        show.say(f"The tour uses it: {running.url}. It is left as it is.")
        yield running, None, None
        return
    show.chapter("The stack starts, on this machine alone")
    began = time.monotonic()
    write_rules(state)
    async with AsyncExitStack() as opened:
        post = await opened.enter_async_context(open_post_office(state)) if can_open() else None
        environment = {} if post is None else post.environment
        config = StackConfig(state=state, services=SERVICES | bridge_of(state), environment=environment)
        stack = LocalStack(config, _Readiness(show))
        await stack.start()
        try:
            await stack.wait_ready(timeout=READY_WITHIN)
            ready_after = time.monotonic() - began
            show.say(f"Ready after {ready_after:.1f} s at {stack.url}", "green")
            if post is None:
                show.say("No mail is sent or fetched: the demo's mail servers come with the checkout.")
            yield Connection(stack.url, stack.token), ready_after, post
        finally:
            await stack.stop()


async def _running(state: Path) -> Connection | None:
    if not (state / CREDENTIALS).exists():
        return None
    connection = find_connection(None, None, state)
    try:
        async with httpx.AsyncClient(trust_env=False, timeout=3.0) as http:
            answer = await http.get(f"{connection.url}/readyz")
    except httpx.TransportError:
        return None
    return connection if answer.is_success else None


class _Readiness:
    """Watches the stack start."""

    def __init__(self, show: Show) -> None:
        self._show = show

    def said(self, process: str, line: str) -> None:
        """Their logs stand in the state folder."""

    def became_ready(self, process: str, seconds: float) -> None:
        self._show.say(f"{process:<10} ready after {seconds:.1f} s", "dim")

    def died(self, process: str, how: str, delay: float) -> None:
        self._show.say(f"{process}: {how}; it is started again in {delay:g} s", "red")
