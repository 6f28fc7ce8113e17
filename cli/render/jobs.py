"""Jobs: the list, and everything that a person should know before starting one."""

from typing import Any

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from cli.answers import JobPage, JobView
from cli.render.words import duration, plain


def jobs_view(page: JobPage) -> RenderableType:
    if not page.items:
        return Text("There are no jobs that you may see.", style="dim")
    parts: list[RenderableType] = []
    for job in page.items:
        head = Text.assemble((job.id, "bold"), f"  {job.title}", (f"  {job.kind}", "dim"))
        if job.retired:
            head.append("  retired", style="yellow")
        if job.danger is not None:
            head.append(f"  {plain(job.danger)}", style="red")
        started_by = [word for word in (job.on, job.schedule) if word]
        tail = f"  starts by itself: {', '.join(started_by)}" if started_by else ""
        parts += [head, Padding(Text(job.description).append(tail, style="dim"), (0, 0, 0, 2))]
    return Group(*parts)


def job_view(job: JobView) -> RenderableType:
    """Every fact of the catalogue, and whether the one who asks may start it."""
    grid = Table.grid(padding=(0, 2))
    grid.add_column(style="dim", no_wrap=True)
    grid.add_column(ratio=1, overflow="fold")
    for name, words in _facts(job):
        grid.add_row(name, words)
    parameters = [Text(line) for line in _parameters(job.parameters)] or [Text("none", style="dim")]
    return Group(
        Text.assemble((job.id, "bold"), f"  {job.title}"),
        Padding(Text(job.description), (0, 0, 1, 2)),
        Padding(grid, (0, 0, 1, 2)),
        Text("  Parameters", style="bold"),
        *(Padding(line, (0, 0, 0, 2)) for line in parameters),
    )


def _facts(job: JobView) -> list[tuple[str, str]]:
    repeat = "safe (read-only)" if job.read_only else "safe" if job.safe_to_repeat else "RISKY"
    facts = [
        ("owner", job.owner),
        (
            "needs a role",
            " or ".join(sorted(job.access.roles)) + f" ({job.access.level}, {job.access.module})",
        ),
        ("may you start it", "yes" if job.may_start else f"no: {job.reason}"),
        ("starts", ", ".join(filter(None, (job.on, job.schedule))) or "when somebody asks"),
        ("runs as", "the one who asks" if job.runs_as == "user" else job.runs_as),
        ("takes about", f"{duration(job.expected_runtime)}, stopped after {duration(job.timeout)}"),
        ("is retried", job.retry),
        ("to repeat is", f"{repeat}: {job.repeat}"),
        ("calls", ", ".join(job.systems) or "no system outside"),
        ("writes to", ", ".join(("the database", *job.locations))),
        ("dry run", "yes: --dry-run" if job.dry_run else "no"),
        ("gives", f"{job.output}: {job.expected_result}"),
        ("logs", job.logs),
        ("in trouble", job.troubleshooting),
    ]
    if job.needs_confirmation:
        danger = plain(job.danger or "risky")
        facts.append(("danger", f"{danger}: start it with --confirm {job.id} --reason '…'"))
    if job.retired:
        facts.append(("retired", "no service offers it any more"))
    return facts


def _parameters(schema: dict[str, Any]) -> list[str]:
    required = set(schema.get("required", []))
    lines = []
    for name, one in schema.get("properties", {}).items():
        kind = one.get("format") or one.get("type") or "value"
        if "anyOf" in one:
            kind = " or ".join(str(way.get("format") or way.get("type", "value")) for way in one["anyOf"])
        need = "required" if name in required else f"default {one.get('default')}"
        described = f": {one['description']}" if "description" in one else ""
        lines.append(f"{name}  {kind}, {need}{described}")
    return lines
