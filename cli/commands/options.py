"""Options and arguments that several commands have, spelled once."""

from datetime import UTC, datetime
from typing import Annotated

import typer

RunId = Annotated[str, typer.Argument(metavar="RUN", help="Id of the run, or its beginning.")]
Wait = Annotated[bool, typer.Option("--wait", help="Wait for the end, showing progress.")]
Timeout = Annotated[
    float | None, typer.Option(min=0, metavar="SECONDS", help="With --wait: how long at most.")
]
Limit = Annotated[int, typer.Option(min=1, max=1000, help="How many at most.")]
Cursor = Annotated[str | None, typer.Option(help="Go on after the page that gave this cursor.")]
Key = Annotated[
    str | None, typer.Option(help="Idempotency key: the same key starts the same run once, however often.")
]
Reason = Annotated[str | None, typer.Option(help="Why; it stands in the run.")]
Confirm = Annotated[
    str | None, typer.Option(metavar="JOB", help="For dangerous and risky jobs: the job's id once more.")
]
Params = Annotated[
    list[str],
    typer.Option(
        "--param",
        "-p",
        metavar="NAME=VALUE",
        help="A parameter; several times for several, or for a list. NAME=@PATH uploads a file.",
    ),
]
DryRun = Annotated[
    bool, typer.Option("--dry-run", help="Only tell what would be done, where the job can do that.")
]
Bulk = Annotated[bool, typer.Option("--bulk", help="Behind everything that a person waits for.")]


def moment(written: str | None, option: str) -> str | None:
    """A time as `--since` takes it, in ISO. Raises a wrong use of `option`."""
    from cli.problems import wrong_use
    from cli.render.words import parse_moment

    if written is None:
        return None
    try:
        return parse_moment(written, now=datetime.now(UTC)).isoformat()
    except ValueError:
        raise wrong_use(
            f"{written!r} is no time",
            concern=option,
            next_step="Write 30m, 2h or 7d for a time ago, or 2026-03-01, or 2026-03-01T14:00.",
        ) from None
