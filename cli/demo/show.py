"""The tour on the terminal."""

from collections.abc import Sequence

from rich.padding import Padding
from rich.rule import Rule
from rich.text import Text

from cli.demo.story import DocumentStory, PaymentStory, Story, TakenRun
from cli.demo.views import (
    RunsTable,
    approval_line,
    chain_lines,
    fields_table,
    orders_lines,
    transactions_table,
)
from cli.demo.words import job_words
from cli.output import Output
from cli.render.run import Answers, failure_view, headline
from cli.render.words import STATE_STYLES, duration
from shared.commands import RunDetail

#: Columns of what is told in sentences, however wide the terminal is.
READABLE = 104


class Show:
    """Tells the tour, chapter by chapter."""

    def __init__(self, output: Output) -> None:
        self._output = output
        self._chapters = 0

    def title(self) -> None:
        words = Text.assemble(
            ("Tagwerk", "bold"), "  From an invoice's arrival to its payment, and how to ask about it."
        )
        self._output.show(words)

    def chapter(self, words: str) -> None:
        self._chapters += 1
        self._output.show("")
        self._output.show(Rule(f"[bold]{self._chapters}  {words}", align="left", style="cyan"))

    def say(self, words: str, style: str = "") -> None:
        right = max(0, self._output.out.width - READABLE)
        self._output.show(Padding(Text(words, style=style), (0, right, 0, 2)))

    def document(self, story: DocumentStory, runs: Sequence[TakenRun]) -> None:
        """Where it came from, its way, and the invoice that was found in it."""
        self._output.show("")
        head = Text(story.name, style="bold underline")
        origin = f"  came with {story.came_with}" if story.came_with else ""
        head.append(origin, style="not bold not underline dim")
        head.append(
            "  known from an earlier tour" if story.known else "", style="not bold not underline yellow"
        )
        self._output.show(head)
        self._output.show(Padding(chain_lines(runs), (0, 0, 0, 2)))
        if story.detail.invoice is None:
            self.say("No invoice stands in it, so nobody has to approve anything.", "dim")
            return
        self._output.show(Padding(fields_table(story), (1, 0, 0, 2)))
        for finding in story.detail.invoice.findings:
            self.say(f"! {finding.words}", "yellow")

    def approval(self, story: DocumentStory, note: str | None) -> None:
        self._output.show(Padding(approval_line(story, note), (0, 0, 0, 2)))

    def run_in_short(self, run: RunDetail) -> None:
        """One line: the job, and its state in a sentence."""
        sign, style = STATE_STYLES[run.state]
        line = Text.assemble((f"{sign} {job_words(run.job)}", style), f"  {run.sentence}")
        line.append(f"  {duration(run.duration)}", style="dim")
        self._output.show(Padding(line, (0, 0, 0, 2)))

    def payment_file(self, payment: PaymentStory) -> None:
        head = Text(f"Payment file {payment.file.message_id}", style="bold")
        head.append("  made on an earlier tour" if payment.known else "", style="not bold yellow")
        self._output.show(Padding(head, (1, 0, 0, 2)))
        self._output.show(Padding(orders_lines(payment), (0, 0, 0, 2)))

    def transactions(self, story: Story) -> None:
        self._output.show(Padding(transactions_table(story), (1, 0, 0, 2)))

    def run(self, run: RunDetail) -> None:
        self._output.show(headline(run))
        self._output.show(Answers(run))
        if run.failure is not None:
            self._output.show(Padding(Text("What went wrong", style="bold"), (1, 0, 0, 2)))
            self._output.show(failure_view(run.failure))

    def touched(self, story: Story, title: str) -> None:
        self.say(title, "bold")
        for record in story.touched:
            when = f"{record.time:%H:%M:%S} UTC  {job_words(record.job):<22} {record.outcome:<9}"
            self.say(f"{when}  {record.message or ''}")

    def runs(self, story: Story) -> None:
        self._output.show(Padding(RunsTable(story), (0, 0, 0, 2)))

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
