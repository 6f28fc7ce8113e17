"""Principals and tokens."""

from rich.console import Group, RenderableType
from rich.text import Text

from cli.answers import Me, PrincipalPage, TokenPage, TokenRow
from cli.render.words import moment
from shared.commands import Contact


def me_view(me: Me) -> RenderableType:
    clients = ", ".join(me.clients).replace("*", "every client") or "no client"
    default = f"; where none is named, {me.default_client} is meant" if me.default_client else ""
    return Group(
        Text.assemble((me.id, "bold"), f"  {me.name}"),
        Text(f"  roles    {', '.join(me.roles) or 'none'}"),
        Text(f"  clients  {clients}{default}"),
    )


def principals_view(page: PrincipalPage) -> RenderableType:
    if not page.items:
        return Text("There are no principals.", style="dim")
    parts = []
    for principal in page.items:
        line = Text.assemble((principal.id, "bold"), f"  {principal.name}  ", (str(principal.kind), "dim"))
        if not principal.active:
            line.append("  inactive", style="yellow")
        roles, clients = (", ".join(sorted(some)) for some in (principal.roles, principal.clients))
        parts += [line, Text(f"  roles {roles or 'none'}; clients {clients or 'none'}")]
    return Group(*parts)


def contact_view(contact: Contact) -> RenderableType:
    away = f"{contact.absent_from} to {contact.absent_until}" if contact.absent_from else "no"
    return Group(
        Text(f"mail        {contact.email or 'none: they cannot be reminded'} ({contact.language})"),
        Text(f"away        {away}"),
        Text(f"substitute  {contact.substitute or 'none'}"),
    )


def tokens_view(page: TokenPage) -> RenderableType:
    if not page.items:
        return Text("No tokens have been issued, besides the sign-in that a local stack makes.", style="dim")
    parts = []
    for token in page.items:
        line = Text.assemble((token.principal, "bold"), f"  {token.name}  ", (str(token.id), "dim"))
        if token.revoked_at is not None:
            until = Text(f"  revoked {moment(token.revoked_at)}", style="yellow")
        else:
            until = Text(f"  valid until {moment(token.expires_at)}")
        parts += [line, until, Text(f"  for {_limits(token)}")]
    return Group(*parts)


def _limits(token: TokenRow) -> str:
    limits = [", ".join(token.scopes)]
    limits += [f"jobs {', '.join(token.jobs)}"] if token.jobs else []
    limits += [f"clients {', '.join(token.clients)}"] if token.clients else []
    return "; ".join(limits)
