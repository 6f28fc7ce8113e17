"""How the runs of each job stand, what was found, and how runs came from each other."""

from uuid import UUID

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text
from rich.tree import Tree

from cli.answers import FoundItem, SearchResults
from cli.render.words import OUTCOME_STYLES, clock, duration, plain, short_ids, state_text
from shared.commands import JobOverview, Overview, RunNode, RunTree
from shared.words import RunState

_GOING = (RunState.QUEUED, RunState.RUNNING, RunState.WAITING)


def overview_view(overview: Overview) -> RenderableType:
    if not overview.jobs:
        return Text("No job has run yet, as far as you may see.", style="dim")
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="bold")
    table.add_column("job", overflow="fold")
    table.add_column("last", no_wrap=True)
    table.add_column("requested (UTC)", no_wrap=True)
    for name in ("need somebody", "go on", "succeeded lately", "take"):
        table.add_column(name, justify="right")
    for job in overview.jobs:
        table.add_row(
            job.job,
            state_text(job.last.state) if job.last is not None else "",
            clock(job.last.requested_at) if job.last is not None else "",
            Text(str(job.action_required or "–"), style="bold red" if job.action_required else "dim"),
            _going(job),
            f"{job.succeeded} of {job.ended}" if job.ended else "–",
            duration(job.typical),
        )
    return Group(_tiles(overview), Text(), table)


def _tiles(overview: Overview) -> Text:
    text = Text()
    attention = overview.action_required
    words = "needs somebody" if attention == 1 else "need somebody"
    text.append(f"{attention} {words}", style="bold red" if attention else "dim")
    for state in _GOING:
        text.append(f"  ·  {overview.states.get(state, 0)} {state}")
    return text


def _going(job: JobOverview) -> str:
    going = [f"{job.states[state]} {state}" for state in _GOING if job.states.get(state)]
    return ", ".join(going) or "–"


def search_view(found: SearchResults, *, full_ids: bool) -> RenderableType:
    parts: list[RenderableType] = []
    ids = [UUID(item.run_id) for item in found.items if item.run_id is not None]
    short = {str(id): text for id, text in short_ids(ids).items()} if not full_ids else {}
    for item in found.items:
        line = Text.assemble((f"{item.kind:<9}", "dim"), (item.title, "bold"))
        if item.id != item.title:
            line.append(f"  {short.get(item.id, item.id)}")
        line.append(f"  {item.why}", style="dim")
        parts += [line, *_more(item, short)]
    if not parts:
        parts.append(Text("Nothing that you may see was found.", style="dim"))
    if found.more:
        parts.append(Text("There is more: type more of it to find less.", style="dim"))
    for part in found.unanswered:
        parts.append(Text(f"Not searched: {part.part}: {part.cause}. {part.next_step}", style="yellow"))
    return Group(*parts)


def _more(item: FoundItem, short: dict[str, str]) -> list[Text]:
    if item.at is None:
        return []
    text = Text(f"{'':9}")
    if item.state is not None:
        text.append_text(state_text(item.state)).append("  ")
    if item.outcome is not None:
        text.append(plain(item.outcome), style=OUTCOME_STYLES[item.outcome])
        text.append(f" by {item.job} {short.get(item.run_id or '', item.run_id or '')}  ")
    text.append(f"{clock(item.at)}  {item.client or ''}", style="dim")
    return [text]


def tree_view(tree: RunTree, asked: UUID) -> RenderableType:
    """Causes above, consequences below; the run that was asked for stands out."""
    return _branch(tree.root, asked)


def _branch(node: RunNode, asked: UUID) -> Tree:
    run = node.run
    words = Text.assemble(
        state_text(run.state), "  ", (run.job, "bold reverse" if run.run_id == asked else "")
    )
    words.append(f"  {run.run_id}  {clock(run.requested_at)}", style="dim")
    if node.how == "rerun":
        words.append("  rerun", style="dim")
    branch = Tree(words, guide_style="dim")
    for child in node.children:
        branch.add(_branch(child, asked))
    if node.more:
        branch.add(Text("…", style="dim"))
    return branch
