"""The tour: what a bookkeeper does with Tagwerk from an invoice's arrival to its payment, chapter by chapter,
through the same HTTP API, and checked on the way."""

import time
from datetime import UTC, datetime

from cli.demo.chapters.again import ask_by_record, upload_once_more
from cli.demo.chapters.agent import ask_an_agent
from cli.demo.chapters.approve import approve_invoices
from cli.demo.chapters.audit import verify_the_log
from cli.demo.chapters.due import report_what_is_due
from cli.demo.chapters.failure import fail_on_purpose
from cli.demo.chapters.ledger import look_back
from cli.demo.chapters.pay import create_payment_file
from cli.demo.chapters.statement import import_statement_twice
from cli.demo.chapters.status import read_the_banks_answer
from cli.demo.chapters.upload import upload_and_read
from cli.demo.show import Show
from cli.demo.story import Story
from cli.demo.visitor import Visitor
from cli.demo.world import World
from cli.session import Session


async def take_tour(session: Session, show: Show, story: Story, world: World) -> None:
    """Walk through everything and fill `story`. What is not as expected is noted, not raised.

    Each chapter looks first how far things are, so a tour that an earlier one has begun goes on from there.
    """
    began = time.monotonic()
    visitor = Visitor(session, show, story)
    await upload_and_read(visitor, world.post)
    await approve_invoices(visitor)
    await create_payment_file(visitor)
    await read_the_banks_answer(visitor)
    await import_statement_twice(visitor)
    await fail_on_purpose(visitor)
    await upload_once_more(visitor)
    await ask_by_record(visitor)
    await report_what_is_due(visitor, world.post)
    await ask_an_agent(visitor, world)
    await verify_the_log(visitor, world.machine)
    await look_back(visitor)
    story.took = time.monotonic() - began


def new_story(url: str) -> Story:
    return Story(url=url, began_at=datetime.now(UTC))
