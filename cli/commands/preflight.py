"""Before a start: what it would meet and do, what there is to choose from, how the systems are."""

from typing import TYPE_CHECKING, Annotated

import typer

from cli.commands.jobs import JobId
from cli.commands.options import DryRun, Limit, Params
from cli.exits import Exit

if TYPE_CHECKING:
    from cli.session import Session


async def preflight(
    session: "Session",
    job_id: JobId,
    param: Params = [],  # noqa: B006  # typer copies it
    client: Annotated[str | None, typer.Option(help="For which client.")] = None,
    dry_run: DryRun = False,
) -> Exit | None:
    """Check whether a job can be started, whether that is safe, and what it would do. Changes nothing."""
    from cli.answers import JobView, Preflight
    from cli.parameters import file_parameters, parse_parameters
    from cli.problems import wrong_use
    from cli.render.preflight import preflight_view

    schema = (await session.gateway.get(f"/jobs/{job_id}", JobView)).parameters if param else {}
    parameters = parse_parameters(param, schema)
    if file_parameters(parameters, schema):
        raise wrong_use(
            "a file of this machine would have to be uploaded first, and a preflight changes nothing",
            concern="--param",
            next_step="Leave the file out, or name one that is there already: `tagwerk choices` lists them.",
        )
    body = {"client": client, "parameters": parameters, "dry_run": dry_run}
    answer = await session.gateway.post(f"/jobs/{job_id}/preflight", Preflight, body)
    session.output.answer(answer, preflight_view)
    return None if answer.may_start else Exit.REFUSED


async def choices(
    session: "Session",
    job_id: JobId,
    parameter: Annotated[str, typer.Argument(help="Name of the parameter, or `client`.")],
    client: Annotated[str | None, typer.Option(help="For which client.")] = None,
    text: Annotated[str | None, typer.Option(help="Only those that contain this.")] = None,
    limit: Limit = 50,
) -> None:
    """List the values that a parameter of a job can have now."""
    from cli.render.preflight import choices_view
    from shared.commands import ChoicesPage

    path = f"/jobs/{job_id}/choices/{parameter}"
    page = await session.gateway.get(path, ChoicesPage, client=client, text=text, limit=min(limit, 500))
    session.output.answer(page, choices_view)


async def systems(
    session: "Session",
    client: Annotated[str | None, typer.Option(help="For which client locations are looked at.")] = None,
) -> None:
    """Show how services, systems outside and locations are now."""
    from cli.answers import SystemsPage
    from cli.render.preflight import systems_view

    session.output.answer(await session.gateway.get("/systems", SystemsPage, client=client), systems_view)
