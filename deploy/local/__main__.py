"""`python -m deploy.local COMMAND`: the local stack without the rest of the commands."""

import sys

import typer

from deploy.local import commands
from shared.errors import TagwerkError


def main() -> None:
    app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)
    for command in (commands.up, commands.sign_in, commands.clean_state, commands.backup, commands.restore):
        app.command()(command)
    app.command("open")(commands.open_browser)
    try:
        app()
    except TagwerkError as error:
        failure = error.failure
        sys.exit(f"{failure.code}: {failure.cause} ({failure.concern})\n{failure.next_step}")


if __name__ == "__main__":
    main()
