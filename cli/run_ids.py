"""Run ids as people type them: in full, or the beginning of one of the runs of late."""

from uuid import UUID

from cli.client import Gateway
from cli.problems import wrong_use
from shared.commands import RunsPage

#: How many of the newest runs a shortened id is looked up in.
LOOKED_THROUGH = 1000
#: Characters that a shortened id has at least.
SHORTEST = 4


async def find_run_id(gateway: Gateway, written: str) -> UUID:
    """The id of the run. Raises `Problem` (usage) if it is none, or the beginning of none or of several."""
    try:
        return UUID(written)
    except ValueError:
        pass
    beginning = written.lower().rstrip("…")
    if len(beginning) < SHORTEST or not set(beginning) <= set("0123456789abcdef-"):
        raise wrong_use(
            f"{written!r} is no run id, nor the beginning of one with at least {SHORTEST} characters",
            next_step="`tagwerk runs` lists runs with their ids.",
        )
    page = await gateway.get("/runs", RunsPage, limit=LOOKED_THROUGH)
    found = [run.run_id for run in page.items if str(run.run_id).startswith(beginning)]
    if len(found) == 1:
        return found[0]
    if not found:
        raise wrong_use(
            f"none of the {len(page.items)} newest runs has an id that begins with {written}",
            next_step="Give the full id, or look for the run with `tagwerk runs`.",
        )
    some = ", ".join(str(id) for id in found[:4])
    raise wrong_use(
        f"{len(found)} runs have an id that begins with {written}: {some}",
        next_step="Give more characters.",
    )
