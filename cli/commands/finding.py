"""How the runs of all jobs stand, and finding something by what one has in hand."""

from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from cli.session import Session


async def overview(
    session: "Session",
    job: Annotated[str | None, typer.Option(help="Only this job.")] = None,
    client: Annotated[str | None, typer.Option(help="Only runs for this client.")] = None,
) -> None:
    """Show how the runs of each job stand: what needs somebody, what goes on, how the last ones went."""
    from cli.render.finding import overview_view
    from shared.commands import Overview

    found = await session.gateway.get("/overview", Overview, job=job, client=client)
    session.output.answer(found, overview_view)


async def search(
    session: "Session",
    text: Annotated[
        list[str],
        typer.Argument(
            help="The id of a run or document, the key of a record, an invoice number, a file name, an IBAN, "
            "words of a job's name; or how it begins."
        ),
    ],
    limit: Annotated[int, typer.Option(min=1, max=100, help="How many of each kind at most.")] = 20,
) -> None:
    """Find runs, records, jobs and documents by id, number or name."""
    from cli.answers import SearchResults
    from cli.render.finding import search_view

    found = await session.gateway.get("/search", SearchResults, q=" ".join(text), limit=limit)
    session.output.answer(found, lambda found: search_view(found, full_ids=session.output.full_ids))
