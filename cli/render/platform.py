"""Dead letters, as an administrator reads them."""

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.text import Text

from cli.answers import DeadLetterPage
from cli.render.words import moment

#: Characters of a payload that are shown; `--json` has all of it.
SHOWN = 160


def dead_letters_view(page: DeadLetterPage) -> RenderableType:
    if not page.items:
        return Text("No dead letters: everything that came could be handled.", style="dim")
    parts: list[RenderableType] = []
    for letter in page.items:
        head = Text.assemble((f"{letter.id}", "bold"), f"  {letter.subject}  ", (moment(letter.time), "dim"))
        parts.append(head)
        body = Text(f"could not be handled by {letter.durable}: ")
        body.append(f"{letter.reason.code}: {letter.reason.cause}\n", style="red")
        body.append(f"next step: {letter.reason.next_step}\n")
        body.append(letter.payload[:SHOWN] + ("…" if len(letter.payload) > SHOWN else ""), style="dim")
        parts.append(Padding(body, (0, 0, 0, 2)))
    parts.append(Text("Replay one with: tagwerk dead-letters --replay ID", style="dim"))
    return Group(*parts)
