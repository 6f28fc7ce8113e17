"""Streams that the reporting service follows with consumers of its own making, and as whom."""

from typing import Final

from shared import subjects

#: The exception report: what failed, and what it was asked for.
REPORTS: Final = "reporting"
REPORTED: Final = (subjects.RUNS, subjects.OCCURRENCES, subjects.DEAD)
#: Alerts: the same, and who did what about it.
ALERTS: Final = "alerts"
ALERTED: Final = (subjects.RUNS, subjects.EVENTS, subjects.OCCURRENCES, subjects.DEAD, subjects.AUDIT)
