"""What pages and mails tell of a report of reminders."""

from collections.abc import Sequence
from datetime import date
from typing import Final

from pydantic import BaseModel, ConfigDict

from services.reporting.letter import Figure, Letter
from services.reporting.reminded.content import GROUPS, Content, groups_of
from services.reporting.reminded.words import Words
from services.reporting.summaries import Summary, plural

#: Reminders that a mail names one by one.
_NAMED: Final = 5


class Named(BaseModel):
    """A reminder of which nothing has come yet."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    due: date
    what: str
    sum: str


class ReminderSummary(Summary):
    #: The first day, always given.
    since: date
    #: How many there are of each of `GROUPS`.
    counts: dict[str, int]
    urgent: Sequence[Named]
    lead: str

    @property
    def items(self) -> int:
        return sum(self.counts.values())

    @property
    def named(self) -> str:
        return plural(self.items, "reminder", "reminders")

    @property
    def file_name(self) -> str:
        return Words(self.language)("file", since=self.since, as_of=self.as_of)

    def letter(self) -> Letter:
        words = Words(self.language)
        waiting = self.items - self.counts.get("done", 0)
        return Letter(
            language=self.language,
            subject=words("subject", client=self.client, count=words.count(waiting)),
            client=self.client,
            title=words("title"),
            lead=self.lead,
            nothing=None if self.items else words("nothing"),
            figures=[
                Figure(words(group), words.count(self.counts[group]), late=group != "done")
                for group in GROUPS
                if self.counts.get(group)
            ],
            heading=words("urgent"),
            rows=[(words.day(one.due), one.what, one.sum) for one in self.urgent],
        )


def summary_of(content: Content) -> ReminderSummary:
    words = Words(content.language)
    waiting = [line for line in content.lines if line.group == "open"]
    return ReminderSummary(
        client=content.client,
        language=content.language,
        as_of=content.as_of,
        since=content.since,
        until=content.as_of,
        counts={group: len(lines) for group, lines in groups_of(content)},
        urgent=[
            Named(
                due=line.due,
                what=f"{words.invoice(line)}: {line.person}, {words('step_n', step=line.step)}",
                sum=words.sum(line),
            )
            for line in waiting[:_NAMED]
        ],
        lead=words.days(content),
    )
