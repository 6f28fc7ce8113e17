"""The kinds of reports that there are."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from services.reporting.audit_log import summary as audit_log
from services.reporting.contents import Content
from services.reporting.due_dates import summary as due_dates
from services.reporting.exceptions import summary as exceptions
from services.reporting.reminded import summary as reminded
from services.reporting.summaries import Summary


@dataclass(frozen=True, slots=True)
class ReportKind:
    """What pages and mails tell of a kind of report. `renderer/writer.py` knows how its files are written."""

    #: As it is read back from where it is kept.
    summary: type[Summary]
    #: From the kind's own content.
    summarize: Callable[[Any], Summary]


#: By `Content.kind`.
KINDS: Final[Mapping[str, ReportKind]] = {
    "audit": ReportKind(audit_log.AuditSummary, audit_log.summary_of),
    "due-dates": ReportKind(due_dates.DueDateSummary, due_dates.summary_of),
    "exceptions": ReportKind(exceptions.ExceptionSummary, exceptions.summary_of),
    "reminders": ReportKind(reminded.ReminderSummary, reminded.summary_of),
}


def summary_of(content: Content) -> Summary:
    return KINDS[content.kind].summarize(content)


def read_summary(kind: str, stored: str) -> Summary:
    """The summary of a kept report, from its JSON."""
    return KINDS[kind].summary.model_validate_json(stored)
