"""The platform itself, for technical administrators: dead letters and the projection."""

from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from cli.session import Session

#: Seconds: every event that ever was is folded again.
REBUILD_WITHIN = 660.0


async def dead_letters(
    session: "Session",
    replay: Annotated[
        int | None, typer.Option(metavar="ID", help="Publish this one again where it came from.")
    ] = None,
) -> None:
    """List the messages that could not be handled, with the reason; or replay one."""
    from cli.answers import DeadLetterPage, DeadLetterRow
    from cli.render.platform import dead_letters_view

    if replay is None:
        page = await session.gateway.get("/dead-letters", DeadLetterPage)
        session.output.answer(page, dead_letters_view)
        return
    letter = await session.gateway.post(f"/dead-letters/{replay}/replay", DeadLetterRow)
    session.output.answer(letter, lambda letter: f"Published again on {letter.subject}.")


async def rebuild(session: "Session") -> None:
    """Make the projection of runs anew from their events."""
    from shared.commands import RebuildReport

    session.output.say("Rebuilding; queries go on meanwhile.")
    report = await session.gateway.post("/rebuild", RebuildReport, timeout=REBUILD_WITHIN)
    session.output.answer(
        report,
        lambda report: f"{report.runs:,} runs from {report.events:,} events in {report.seconds:.1f} s.",
    )
