"""What pages and mails tell of an exception report."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Final

from pydantic import BaseModel, ConfigDict

from services.reporting.exceptions.content import Content, Line, sections_of
from services.reporting.exceptions.words import Words
from services.reporting.letter import Figure, Letter
from services.reporting.summaries import Summary, plural

#: Exceptions that a mail names one by one.
_NAMED: Final = 8


class Named(BaseModel):
    """An exception that somebody has to look after."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    at: datetime
    what: str
    cause: str


class Counted(BaseModel):
    """How many there are of a kind."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    kind: str
    count: int
    open: int


class ExceptionSummary(Summary):
    #: The first day, always given.
    since: date
    stuck_after: int
    counts: Sequence[Counted]
    urgent: Sequence[Named]

    @property
    def items(self) -> int:
        return sum(one.count for one in self.counts)

    @property
    def open(self) -> int:
        """How many somebody has to look after."""
        return sum(one.open for one in self.counts)

    @property
    def named(self) -> str:
        return plural(self.items, "exception", "exceptions")

    @property
    def file_name(self) -> str:
        return Words(self.language)("file", as_of=self.as_of)

    def letter(self) -> Letter:
        words = Words(self.language)
        subject = words("subject", client=self.client, count=words.count(self.open))
        return Letter(
            language=self.language,
            subject=subject if self.open else words("subject_none", client=self.client),
            client=self.client,
            title=words("title"),
            lead=span_of(words, self.since, self.as_of),
            nothing=None if self.items else words("nothing"),
            figures=[
                Figure(
                    words.heading(one.kind, self.stuck_after),
                    words.count(one.count),
                    note=f"{words('open')}: {words.count(one.open)}" if one.open != one.count else "",
                    late=one.open > 0,
                )
                for one in self.counts
            ],
            heading=words("urgent"),
            rows=[(words.moment(one.at), f"{one.what}: {one.cause}".rstrip(": "), "") for one in self.urgent],
        )


def span_of(words: Words, since: date, until: date) -> str:
    """`27 November 2026 to 28 November 2026`."""
    if since == until:
        return words.long_day(until)
    return words("span", first=words.long_day(since), last=words.long_day(until))


def summary_of(content: Content) -> ExceptionSummary:
    words = Words(content.language)
    return ExceptionSummary(
        client=content.client,
        language=content.language,
        as_of=content.as_of,
        since=content.since.date(),
        until=content.as_of,
        stuck_after=content.stuck_after,
        counts=[
            Counted(kind=kind, count=len(lines), open=sum(line.open for line in lines))
            for kind, lines in sections_of(content)
        ],
        urgent=[_named(line, words) for line in content.lines if line.open][:_NAMED],
    )


def _named(line: Line, words: Words) -> Named:
    cause = words.state(line) if line.kind == "stuck" else words.cause(line)
    return Named(at=line.at, what=line.what, cause=_shortened(cause))


def _shortened(text: str, most: int = 160) -> str:
    return text if len(text) <= most else text[:most].rstrip() + "\N{HORIZONTAL ELLIPSIS}"
