"""What alerts are called on pages: messages, which templates translate."""

from collections.abc import Mapping

from services.gateway.pages.languages import N_
from shared.words import AlertKind, AlertNews, TellingState

#: `what` is a job, a schedule, a system, a durable.
SENTENCES: Mapping[AlertKind, str] = {
    AlertKind.RUN_FAILED: N_("%(what)s failed"),
    AlertKind.NEEDS_DECISION: N_("%(what)s needs a decision"),
    AlertKind.OVERDUE: N_("%(what)s takes longer than expected"),
    AlertKind.LOST: N_("The worker of %(what)s gives no sign of life"),
    AlertKind.UNWORKED: N_("Nobody works on %(what)s"),
    AlertKind.MISSED: N_("The schedule %(what)s was missed"),
    AlertKind.DEAD_LETTER: N_("%(what)s could not handle messages"),
    AlertKind.SYSTEM_UNREACHABLE: N_("%(what)s cannot be reached"),
    AlertKind.AGENT_AWAY: N_("The agent %(what)s is away"),
    AlertKind.PROJECTION_BEHIND: N_("What is shown of runs is behind"),
}

#: As a choice.
KINDS: Mapping[AlertKind, str] = {
    AlertKind.RUN_FAILED: N_("a run failed"),
    AlertKind.NEEDS_DECISION: N_("a run needs a decision"),
    AlertKind.OVERDUE: N_("a run takes longer than expected"),
    AlertKind.LOST: N_("a worker gives no sign of life"),
    AlertKind.UNWORKED: N_("nobody works on a job"),
    AlertKind.MISSED: N_("a schedule was missed"),
    AlertKind.DEAD_LETTER: N_("messages could not be handled"),
    AlertKind.SYSTEM_UNREACHABLE: N_("a system cannot be reached"),
    AlertKind.AGENT_AWAY: N_("an agent is away"),
    AlertKind.PROJECTION_BEHIND: N_("what is shown is behind"),
}

NEWS: Mapping[AlertNews, str] = {
    AlertNews.OPENED: N_("that it began"),
    AlertNews.STILL: N_("that it is still so"),
    AlertNews.CLOSED: N_("that it is over"),
}

TELLINGS: Mapping[TellingState, str] = {
    TellingState.WAITING: N_("on its way"),
    TellingState.SENDING: N_("on its way"),
    TellingState.SENT: N_("sent"),
    TellingState.FAILED: N_("not delivered"),
    TellingState.IN_DOUBT: N_("in doubt"),
}

TELLING_TONES: Mapping[TellingState, str] = {
    TellingState.WAITING: "unknown",
    TellingState.SENDING: "unknown",
    TellingState.SENT: "good",
    TellingState.FAILED: "danger",
    TellingState.IN_DOUBT: "careful",
}

#: Hours that a silence can be chosen for.
HOURS: Mapping[str, str] = {
    "1": N_("1 hour"),
    "4": N_("4 hours"),
    "24": N_("1 day"),
    "72": N_("3 days"),
    "168": N_("7 days"),
    "744": N_("31 days"),
}
