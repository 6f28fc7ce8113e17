"""The audit log: its entries, one line each, and how it stands."""

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.text import Text

from cli.render.words import moment, plain, rest
from shared.commands import AuditEntriesPage, AuditEntryRow, AuditState

#: Characters of what was before and after that are shown; `--json` has all of it.
SHOWN = 200
#: What proves something and tells a reader nothing.
UNSEEN = frozenset({"parameters_sha256"})


def entries_view(page: AuditEntriesPage) -> RenderableType:
    if not page.items:
        return Text("No entry matches.", style="dim")
    parts: list[RenderableType] = []
    for entry in page.items:
        line = Text.assemble(
            (f"{entry.number:>7} ", "bold"), (moment(entry.time or entry.recorded_at), "dim")
        )
        if entry.removed:
            line.append(f"  {plain(entry.kind)}: its content was removed, its time was over", style="dim")
            parts.append(line)
            continue
        line.append(f"  {entry.principal}", style="cyan")
        line.append(f"  {plain(entry.kind)}  {entry.concern}")
        if entry.client:
            line.append(f"  {entry.client}", style="dim")
        parts.append(line)
        parts += [Padding(Text(more, style="dim"), (0, 0, 0, 8)) for more in _more(entry)]
    if page.next_cursor is not None:
        parts.append(rest(page.next_cursor))
    return Group(*parts)


def _more(entry: AuditEntryRow) -> list[str]:
    said = [f"as {entry.effective_principal}"] if entry.effective_principal else []
    said += [entry.reason] if entry.reason else []
    for name, values in (("before", entry.before), ("after", entry.after)):
        if values:
            shown = {field: value for field, value in values.items() if field not in UNSEEN}
            text = ", ".join(f"{field} {value}" for field, value in shown.items())
            said.append(f"{name}: {text[:SHOWN]}{'…' if len(text) > SHOWN else ''}")
    said += [f"run {entry.run_id}"] if entry.run_id else []
    return said


def state_view(state: AuditState) -> RenderableType:
    newest = f", the newest of {moment(state.newest_at)}" if state.newest_at else ""
    lines = [Text(f"{state.entries:,} entries{newest}")]
    if state.head is not None:
        signed = f"Signed up to entry {state.head.number:,}, at {moment(state.head.signed_at)}"
        waits = " (not handed over yet)" if not (state.head.written_at or state.head.posted_at) else ""
        lines.append(Text(signed + waits))
    elif state.signs:
        lines.append(Text("No head is signed yet: the first one comes within the hour.", style="dim"))
    else:
        lines.append(Text("No head is signed: set TAGWERK_AUDIT_KEY_FILE.", style="yellow"))
    check = state.check
    if check is None:
        lines.append(Text("Never verified. Do it with: tagwerk audit verify", style="dim"))
    elif check.cause is None:
        words = f"Verified at {moment(check.finished_at)}: {check.entries:,} entries are as they were written"
        lines.append(Text(f"{words}, {check.heads:,} signed heads fit.", style="green"))
    else:
        first = f"entry {check.broken:,} is the first that is not as it was. " if check.broken else ""
        lines.append(
            Text(f"BROKEN, found at {moment(check.finished_at)}: {first}{check.cause}.", style="red")
        )
        lines.append(Text(f"More: tagwerk records --run {check.run_id}", style="dim"))
    return Group(*lines)
