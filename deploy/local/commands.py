"""The commands of the local stack, for `tagwerk` and for `python -m deploy.local`. They raise
`TagwerkError`; whoever runs them shows it. What only a backup needs is not loaded for the others."""

import asyncio
import webbrowser
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from deploy.local.config import SERVICES, StackConfig, more_services
from deploy.local.mqtt import bridge_of
from deploy.local.nats import Sync
from deploy.local.sign_in import issue_link, issue_sign_in
from deploy.local.state import DEFAULT_STATE, remove_state
from deploy.local.up import run_stack

StateOption = Annotated[
    Path,
    typer.Option(
        "--state", "--state-dir", envvar="TAGWERK_STATE", metavar="DIR", help="Folder of the stack."
    ),
]
PortOption = Annotated[
    int | None, typer.Option(min=1, max=65535, help="Default: last time's, or a free one.")
]


def up(
    state: StateOption = DEFAULT_STATE,
    http_port: PortOption = None,
    nats_port: PortOption = None,
    mqtt_port: PortOption = None,
    postgres_port: PortOption = None,
    sync: Annotated[
        Sync,
        typer.Option(
            help="`always` syncs each message to disk before it is acknowledged; `default` is faster, and a"
            " power failure loses up to two minutes."
        ),
    ] = "always",
    cpu_slots: Annotated[
        int | None, typer.Option(min=1, help="CPU-bound child processes at once in one worker.")
    ] = None,
    tracing: Annotated[
        bool, typer.Option("--tracing/--no-tracing", help="Record spans, and keep them for some days.")
    ] = True,
    services: Annotated[
        str, typer.Option(help="More services to start: name=package.module, separated by commas.")
    ] = "",
    quiet: Annotated[bool, typer.Option(help="Do not show logs; they stand in the state folder.")] = False,
) -> None:
    """Bring up the whole stack here, without root and without Docker, until Ctrl-C."""
    config = StackConfig(
        state=state,
        http_port=http_port,
        nats_port=nats_port,
        mqtt_port=mqtt_port,
        postgres_port=postgres_port,
        sync=sync,
        cpu_slots=cpu_slots,
        tracing=tracing,
        services=SERVICES | bridge_of(state) | more_services(services),
    )
    raise typer.Exit(run_stack(config, quiet=quiet))


def sign_in(
    state: StateOption = DEFAULT_STATE,
    url: Annotated[str | None, typer.Option(help="Address of the gateway; default: as last started.")] = None,
) -> None:
    """Issue a new sign-in for the development administrator; the one before stops working."""
    issued = issue_sign_in(state, url)
    console = Console(highlight=False)
    console.print(f"Address   {issued.url}", soft_wrap=True)
    console.print(f"Sign-in   {issued.principal}, token {issued.token}", soft_wrap=True)
    console.print(f"Expires   {issued.expires_at:%Y-%m-%d}")
    console.print(f"Browser   {issue_link(state)} (once, within 15 minutes)", soft_wrap=True)


def open_browser(
    state: StateOption = DEFAULT_STATE,
    show: Annotated[bool, typer.Option("--print", help="Only print the link.")] = False,
) -> None:
    """Sign a browser in as the administrator of the local stack, with a link that works once."""
    link = issue_link(state)
    Console(highlight=False).print(link, soft_wrap=True)
    if not show:
        webbrowser.open(link)


def clean_state(state: StateOption = DEFAULT_STATE) -> None:
    """Remove the state folder and all that belongs to it. Refused while a stack runs in it."""
    removed = remove_state(state)
    typer.echo(f"{state} is removed." if removed else f"There is no {state}.")


BackupFolder = Annotated[Path, typer.Argument(metavar="FOLDER", help="Folder of the backups.")]


def backup(folder: BackupFolder, state: StateOption = DEFAULT_STATE) -> None:
    """Take a backup of the local stack into a new folder below FOLDER, while it works or rests."""
    from deploy.backup.told import told_of_taken
    from deploy.local.backup import backup_state

    Console(highlight=False).print(told_of_taken(asyncio.run(backup_state(state, folder))), soft_wrap=True)


def restore(folder: BackupFolder, state: StateOption = DEFAULT_STATE) -> None:
    """Make a state folder from a backup: FOLDER is one, or holds several, of which the newest is taken."""
    from deploy.backup.told import told_of_restore
    from deploy.local.backup import restore_state

    Console(highlight=False).print(told_of_restore(asyncio.run(restore_state(folder, state))), soft_wrap=True)
