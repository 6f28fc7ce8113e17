"""The tour on the terminal."""

from rich.console import Group
from rich.padding import Padding
from rich.panel import Panel
from rich.rule import Rule
from rich.text import Text

from cli.demo.story import DocumentStory, Story
from cli.output import Output
from cli.render.lists import records_view
from cli.render.run import Answers, failure_view, headline
from cli.render.words import duration
from shared.commands import RecordsPage, RunDetail

#: Lines of recognized text that the terminal shows; the report has all.
LINES_SHOWN = 7


class Show:
    """Tells the tour, chapter by chapter."""

    def __init__(self, output: Output) -> None:
        self._output = output
        self._chapters = 0

    def title(self) -> None:
        words = Text.assemble(
            ("Tagwerk", "bold"),
            "  What happens to documents after they were uploaded, and how to ask about it.",
        )
        self._output.show(words)

    def chapter(self, words: str) -> None:
        self._chapters += 1
        self._output.show("")
        self._output.show(Rule(f"[bold]{self._chapters}  {words}", align="left", style="cyan"))

    def say(self, words: str, style: str = "") -> None:
        self._output.show(Padding(Text(words, style=style), (0, 0, 0, 2)))

    def document(self, story: DocumentStory) -> None:
        self._output.show("")
        self._output.show(Text(story.name, style="bold underline"))
        self.run(story.run)
        if story.repeated is not None:
            took = duration(story.repeated.duration)
            self.say(f"Repeated now, in {took}: {story.repeated.sentence}", "green")
        self._output.show(Padding(recognized(story), (1, 0, 0, 2)))

    def run(self, run: RunDetail) -> None:
        self._output.show(headline(run))
        self._output.show(Answers(run))
        if run.failure is not None:
            self._output.show(Padding(Text("What went wrong", style="bold"), (1, 0, 0, 2)))
            self._output.show(failure_view(run.failure))

    def again(self, story: Story) -> None:
        assert story.again is not None
        assert story.again_of is not None
        known = (
            "recognized: the same bytes are the same document" if story.again.duplicate else "taken as new"
        )
        self.say(f"{story.again.file_name}: {known}")
        self.say(
            f"document  {story.again.document_id} (before: {story.again_of.uploaded.document_id})", "dim"
        )
        self.say(f"runs      {story.runs_after_again} (before: {story.runs_before_again})", "dim")

    def rerun(self, story: Story) -> None:
        assert story.rerun is not None
        self._output.show(headline(story.rerun))
        page = RecordsPage(items=story.rerun_records)
        self._output.show(Padding(records_view(page, of_one_run=True, full_ids=False), (0, 0, 0, 2)))

    def touched(self, story: Story) -> None:
        self.say(str(story.touched_key), "dim")
        for record in sorted(story.touched, key=lambda record: record.time):
            when = f"{record.time:%H:%M:%S} UTC  {record.outcome:<9}"
            self.say(f"{when}  run {record.run_id}  {record.message or ''}")

    def checks(self, story: Story) -> None:
        held = sum(check.held for check in story.checks)
        self._output.show("")
        if story.all_held:
            self.say(f"✓ All {held} things that the tour checks were as expected.", "bold green")
            return
        self.say(f"✗ {len(story.checks) - held} of {len(story.checks)} were not as expected:", "bold red")
        for check in story.checks:
            if not check.held:
                self.say(f"  {check.what} (found: {check.found})", "red")


def recognized(story: DocumentStory) -> Group:
    """The beginning of the text, with how sure the recognition was."""
    lines = [line for page in story.pages for line in page.splitlines() if line.strip()]
    shown: list[Text] = [Text(line) for line in lines[:LINES_SHOWN]]
    if len(lines) > LINES_SHOWN:
        shown.append(Text(f"… {len(lines) - LINES_SHOWN} more lines", style="dim"))
    return Group(Text(how_sure(story), style="bold"), Panel(Group(*shown), border_style="dim"))


def how_sure(story: DocumentStory) -> str:
    """`Recognized text, 94 % confidence, 99.1 % as it stands there`."""
    words = "Text, read from the file" if story.confidence is None else "Recognized text"
    if story.confidence is not None:
        words += f", {story.confidence:.0f} % confidence"
    if story.similarity is not None:
        words += f", {story.similarity:.1f} % like the true text"
    return words
