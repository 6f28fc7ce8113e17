"""Who is signed in; principals and their tokens, for technical administrators."""

from typing import TYPE_CHECKING, Annotated
from uuid import UUID

import typer

from shared.words import PrincipalKind, TokenScope

if TYPE_CHECKING:
    from cli.session import Session


PrincipalId = Annotated[str, typer.Argument(metavar="PRINCIPAL", help="Id of the principal.")]


async def me(session: "Session") -> None:
    """Show who is signed in, with roles and clients."""
    from cli.answers import Me
    from cli.render.accounts import me_view

    session.output.answer(await session.gateway.get("/me", Me), me_view)


async def principals(session: "Session") -> None:
    """List users, service users and MQTT clients."""
    from cli.answers import PrincipalPage
    from cli.render.accounts import principals_view

    session.output.answer(await session.gateway.get("/principals", PrincipalPage), principals_view)


async def set_principal(
    session: "Session",
    id: PrincipalId,
    name: Annotated[str, typer.Option(help="What people call them.")],
    role: Annotated[list[str], typer.Option(help="A role; several times for several.")] = [],  # noqa: B006
    client: Annotated[  # typer copies the lists
        list[str], typer.Option(help="A client; several times for several, * for every one.")
    ] = [],  # noqa: B006
    kind: Annotated[PrincipalKind, typer.Option(help="What sort of account.")] = PrincipalKind.USER,
    inactive: Annotated[bool, typer.Option("--inactive", help="May do nothing any more.")] = False,
) -> None:
    """Make a principal, or replace its name, roles and clients."""
    from shared.access import Principal

    body = {"name": name, "kind": str(kind), "roles": role, "clients": client, "active": not inactive}
    principal = await session.gateway.put(f"/principals/{id}", Principal, body)
    session.output.answer(principal, lambda principal: f"{principal.id} is stored.")


async def set_password(
    session: "Session",
    id: PrincipalId,
    keep: Annotated[
        bool, typer.Option("--keep", help="They need not choose another one when they sign in.")
    ] = False,
) -> None:
    """Set the password of a person, as typed twice, or read from stdin; their sessions end."""
    from cli.answers import PasswordSet
    from cli.secrets import read_password

    password = read_password(f"New password of {id}")
    await session.gateway.put_nothing(
        f"/principals/{id}/password", {"password": password, "must_change": not keep}
    )
    answer = PasswordSet(principal=id, must_change=not keep)
    session.output.answer(answer, lambda done: f"{done.principal} has a new password.")


async def tokens(session: "Session") -> None:
    """List tokens, without their secrets."""
    from cli.answers import TokenPage
    from cli.render.accounts import tokens_view

    session.output.answer(await session.gateway.get("/tokens", TokenPage), tokens_view)


async def issue_token(
    session: "Session",
    principal: PrincipalId,
    name: Annotated[str, typer.Option(help="What it is for, so that one knows it again.")],
    days: Annotated[int, typer.Option(min=1, max=365, help="How long it is valid.")] = 30,
    scope: Annotated[  # typer copies the lists
        list[TokenScope], typer.Option(help="What it is for; several times for several. Default: everything.")
    ] = [],  # noqa: B006
    job: Annotated[
        list[str], typer.Option(help="Only this job and its runs; several times for several.")
    ] = [],  # noqa: B006
    client: Annotated[list[str], typer.Option(help="Only this client; several times for several.")] = [],  # noqa: B006
) -> None:
    """Issue a token; it is shown this once."""
    from cli.answers import IssuedToken

    limits = {"scopes": [str(one) for one in scope], "jobs": job, "clients": client}
    body = {"principal": principal, "name": name, "days": days, **{k: v for k, v in limits.items() if v}}
    issued = await session.gateway.post("/tokens", IssuedToken, body)
    session.output.answer(issued, lambda issued: issued.token)


async def revoke_token(
    session: "Session", id: Annotated[UUID, typer.Argument(metavar="TOKEN", help="Id of the token.")]
) -> None:
    """Revoke a token; it opens nothing any more."""
    from cli.answers import Revoked

    await session.gateway.delete(f"/tokens/{id}")
    session.output.answer(Revoked(id=id), lambda revoked: f"Token {revoked.id} is revoked.")
