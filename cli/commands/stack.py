"""The local stack: bring it up, sign in, open it, remove it; and the tour. What they do stands in
`deploy.local`.

Those hand their words on unread, so that `tagwerk --help` does not load servers.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer

#: For commands whose options `deploy.local` declares.
HANDED_ON: dict[str, Any] = {
    "ignore_unknown_options": True,
    "allow_extra_args": True,
    "help_option_names": [],
}


def up(context: typer.Context) -> None:
    """Bring up the whole stack here, without root and without Docker, until Ctrl-C."""
    from deploy.local import commands

    _hand_on("up", commands.up, context)


def sign_in(context: typer.Context) -> None:
    """Issue a new sign-in for the local stack's administrator; the one before stops working."""
    from deploy.local import commands

    _hand_on("sign-in", commands.sign_in, context)


def open_browser(context: typer.Context) -> None:
    """Sign a browser in as the administrator of the local stack, with a link that works once."""
    from deploy.local import commands

    _hand_on("open", commands.open_browser, context)


def clean_state(context: typer.Context) -> None:
    """Remove the local stack's state: documents, runs, everything."""
    from deploy.local import commands

    _hand_on("clean-state", commands.clean_state, context)


def backup(context: typer.Context) -> None:
    """Take a backup of the local stack, while it works or rests."""
    from deploy.local import commands

    _hand_on("backup", commands.backup, context)


def restore(context: typer.Context) -> None:
    """Make the local stack's state from a backup."""
    from deploy.local import commands

    _hand_on("restore", commands.restore, context)


def demo(
    state_dir: Annotated[
        Path,
        typer.Option(
            "--state-dir", "--state", envvar="TAGWERK_STATE", metavar="DIR", help="Folder of the stack."
        ),
    ] = Path(".tagwerk"),
    report: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Where the report goes.  [default: <state-dir>/demo-report.html]"),
    ] = None,
) -> None:
    """Take the tour: invoices arrive, are read, approved and paid, and every run can be asked."""
    from cli.demo.command import run_demo

    raise typer.Exit(run_demo(state_dir, report=report))


def _hand_on(name: str, command: Callable[..., None], context: typer.Context) -> None:
    from cli.exits import Exit
    from cli.output import Output
    from cli.problems import Problem
    from shared.errors import TagwerkError

    app = typer.Typer(add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None)
    app.command()(command)
    try:
        app(args=context.args, prog_name=f"tagwerk {name}")
    except TagwerkError as error:
        problem = Problem(f"tagwerk {name} cannot go on", error.failure, Exit.PROBLEM)
        Output(as_json=False).problem(problem)
        raise typer.Exit(problem.exit) from None
