"""How a function becomes a command: it gets the options that all share, a session, and an exit code.

Importing this is cheap on purpose: `tagwerk --help` must not wait for an HTTP client.
"""

import inspect
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cli.exits import Exit

if TYPE_CHECKING:
    from cli.session import Session

ApiFunction = Callable[..., Awaitable[Exit | None]]

_PANEL = "Connection and output"

StateDir = Annotated[
    Path,
    typer.Option(
        "--state-dir",
        envvar="TAGWERK_STATE",
        metavar="DIR",
        help="Folder of the local stack, where its address and sign-in lie.",
        rich_help_panel=_PANEL,
    ),
]
Url = Annotated[
    str | None, typer.Option(envvar="TAGWERK_URL", help="Address of the gateway.", rich_help_panel=_PANEL)
]
Token = Annotated[
    str | None,
    typer.Option(envvar="TAGWERK_TOKEN", help="Bearer token.", rich_help_panel=_PANEL, show_envvar=True),
]
AsJson = Annotated[
    bool, typer.Option("--json", help="Write the result as JSON, and nothing else.", rich_help_panel=_PANEL)
]

_SHARED: dict[str, tuple[Any, Any]] = {
    "as_json": (AsJson, False),
    "url": (Url, None),
    "token": (Token, None),
    "state_dir": (StateDir, Path(".tagwerk")),
}


def api_command(function: ApiFunction) -> Callable[..., None]:
    """A command that talks to the gateway: `function(session, …own options)`.

    What it returns is the exit code; a `Problem` that it raises is shown and gives its own.
    """

    def run(**options: Any) -> None:
        from cli.session import run_in_session

        shared = {name: options.pop(name) for name in _SHARED}

        async def body(session: "Session") -> Exit | None:
            return await function(session, **options)

        raise typer.Exit(run_in_session(body, **shared))

    declared = inspect.signature(function).parameters
    own = [parameter for name, parameter in declared.items() if name != "session"]
    added = [
        inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=annotation)
        for name, (annotation, default) in _SHARED.items()
    ]
    parameters = [parameter.replace(kind=inspect.Parameter.KEYWORD_ONLY) for parameter in own] + added
    run.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    run.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
    run.__doc__ = function.__doc__
    run.__name__ = getattr(function, "__name__", "command")
    return run
