"""How persons are reached by mail, and who stands in while they are away; for technical administrators."""

from datetime import date, datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cli.commands.accounts import PrincipalId

if TYPE_CHECKING:
    from cli.session import Session


async def contact(session: "Session", id: PrincipalId) -> None:
    """Show where a person gets reminders, and who gets them while they are away."""
    from cli.render.accounts import contact_view
    from shared.commands import Contact

    session.output.answer(await session.gateway.get(f"/principals/{id}/contact", Contact), contact_view)


async def set_contact(
    session: "Session",
    id: PrincipalId,
    email: Annotated[str | None, typer.Option(help="Where reminders go.")] = None,
    language: Annotated[str | None, typer.Option(help="Of the mails: en or de.")] = None,
    away_from: Annotated[
        datetime | None, typer.Option(formats=["%Y-%m-%d"], help="First day on which they are away.")
    ] = None,
    away_until: Annotated[
        datetime | None, typer.Option(formats=["%Y-%m-%d"], help="Last day on which they are away.")
    ] = None,
    substitute: Annotated[
        str | None, typer.Option(help="Id of who gets their reminders while they are away.")
    ] = None,
    back: Annotated[bool, typer.Option("--back", help="They are not away any more.")] = False,
) -> None:
    """Change where a person gets reminders, or who gets them while they are away; the rest stays."""
    from cli.render.accounts import contact_view
    from shared.commands import Contact

    path = f"/principals/{id}/contact"
    kept = await session.gateway.get(path, Contact)
    said: dict[str, Any] = {
        "email": email,
        "language": language,
        "absent_from": _day(away_from),
        "absent_until": _day(away_until),
        "substitute": substitute,
    }
    body = kept.model_dump(mode="json") | {name: value for name, value in said.items() if value is not None}
    if back:
        body |= {"absent_from": None, "absent_until": None}
    session.output.answer(await session.gateway.put(path, Contact, body), contact_view)


def _day(moment: datetime | None) -> str | None:
    return None if moment is None else date.isoformat(moment.date())
