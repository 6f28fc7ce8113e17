"""What pages and mails tell of an audit report."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Final

from pydantic import BaseModel, ConfigDict

from services.reporting.audit_log.content import GAPS, REFUSALS, RIGHTS, Content, Proof
from services.reporting.audit_log.words import Words
from services.reporting.letter import Figure, Letter
from services.reporting.summaries import Summary, plural

#: Entries that a mail names one by one.
_NAMED: Final = 8


class Named(BaseModel):
    """An entry at which somebody should look."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    at: datetime
    kind: str
    principal: str
    concern: str


class AuditSummary(Summary):
    since: date
    entries: int
    cut: bool
    people: int
    refusals: int
    rights: int
    gaps: int
    #: The proof in sentences, and whether it failed.
    proof: Sequence[str]
    broken: bool
    urgent: Sequence[Named]

    @property
    def items(self) -> int:
        return self.entries

    @property
    def named(self) -> str:
        return plural(self.entries, "entry", "entries")

    @property
    def file_name(self) -> str:
        return Words(self.language)("file", since=self.since, until=self.until)

    def letter(self) -> Letter:
        words = Words(self.language)
        figures = [
            Figure(words("entries"), words.count(self.entries)),
            Figure(words("people"), words.count(self.people)),
            Figure(words("refusals"), words.count(self.refusals), late=self.refusals > 0),
            Figure(words("rights"), words.count(self.rights)),
        ]
        if self.gaps:
            figures.append(Figure(words("gaps"), words.count(self.gaps), late=True))
        notes = list(self.proof)
        if self.cut:
            notes.append(words("cut", count=words.count(self.entries)))
        return Letter(
            language=self.language,
            subject=words("subject", client=self.client, span=words.span(self.since, self.until)),
            client=self.client,
            title=words("title"),
            lead=span_of(words, self.since, self.until),
            nothing=None if self.entries else words("nothing"),
            figures=figures if self.entries else [],
            heading=words("urgent"),
            rows=[
                (words.moment(one.at), f"{words.deed(one.kind)}: {one.concern}", one.principal)
                for one in self.urgent
            ],
            notes=notes,
        )


def span_of(words: Words, since: date, until: date) -> str:
    """`21 November 2026 to 27 November 2026`."""
    if since == until:
        return words.long_day(until)
    return words("span", first=words.long_day(since), last=words.long_day(until))


def proof_of(proof: Proof, newest: int | None, words: Words) -> list[str]:
    """What a check and the newest head say, in sentences; `newest` is the last entry that is told."""
    said = []
    if proof.checked_at is None:
        said.append(words("check_none"))
    elif proof.cause is not None:
        said.append(words("check_broken", at=_at(proof.checked_at, words), cause=words.said(proof.cause)))
        if proof.broken is not None:
            said.append(words("check_broken_at", number=words.count(proof.broken)))
    else:
        entries = words.count(proof.checked)
        said.append(words("check_good", at=_at(proof.checked_at, words), entries=entries))
        if newest is not None and newest > proof.checked:
            said.append(words("check_short", entries=entries))
    if proof.signed is None or proof.signed_at is None:
        said.append(words("head_none"))
    else:
        said.append(words("head", number=words.count(proof.signed), at=_at(proof.signed_at, words)))
    return said


def _at(moment: datetime, words: Words) -> str:
    return f"{words.long_day(moment.date())}, {moment:%H:%M}"


def summary_of(content: Content) -> AuditSummary:
    words = Words(content.language)
    newest = content.entries[0].number if content.entries else None
    looked_at = [entry for entry in content.entries if entry.kind in REFUSALS | RIGHTS | GAPS]
    return AuditSummary(
        client=content.client,
        language=content.language,
        as_of=content.as_of,
        since=content.since,
        until=content.until,
        entries=len(content.entries),
        cut=content.cut,
        people=len({entry.principal for entry in content.entries}),
        refusals=content.count(REFUSALS),
        rights=content.count(RIGHTS),
        gaps=content.count(GAPS),
        proof=proof_of(content.proof, newest, words),
        broken=content.proof.cause is not None,
        urgent=[
            Named(at=one.time, kind=one.kind, principal=one.principal, concern=one.concern)
            for one in looked_at[:_NAMED]
        ],
    )
