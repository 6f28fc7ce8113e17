"""Who is told of which alerts, and how often. Pure: rules in their order, the first that fits decides."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from fnmatch import fnmatchcase
from typing import Final

from services.reporting.alerts.core import SEVERITIES, Cause
from shared.words import AlertKind, Severity

#: In `Rule.to`: whoever is responsible for the job.
OWNER: Final = "owner"
#: Before the name of a webhook.
WEBHOOK: Final = "webhook:"
#: In the table of owners: of everything that nobody else owns.
ANYBODY: Final = "*"


@dataclass(frozen=True, slots=True)
class Rule:
    """For which alerts (a condition that is left out always holds), and what is done about them."""

    name: str
    on: frozenset[AlertKind] = frozenset()
    #: Patterns: `integrations.*`. An alert about no job fits none.
    jobs: tuple[str, ...] = ()
    clients: tuple[str, ...] = ()
    #: None: as the kind has it.
    severity: Severity | None = None
    #: `owner`, addresses and `webhook:<name>`; none: it is shown on the page only.
    to: tuple[str, ...] = ()
    #: How long the first news waits for others to go with it.
    group: timedelta = timedelta(minutes=1)
    #: Messages to one addressee within an hour; the rest waits, and comes as one.
    per_hour: int = 10
    #: After how long an open alert is told again; None: never.
    repeat: timedelta | None = timedelta(hours=24)

    def fits(self, cause: Cause) -> bool:
        return (
            (not self.on or cause.kind in self.on)
            and fits_any(self.jobs, cause.job)
            and fits_any(self.clients, cause.client)
        )


#: Where no file is named, and behind its rules: the page shows it, and nobody is told.
SHOWN_ONLY: Final = Rule("shown only")


@dataclass(frozen=True, slots=True)
class Webhook:
    """Where messages are posted, signed (https://www.standardwebhooks.com). The secret is never shown."""

    name: str
    url: str
    secret: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Rules:
    rules: Sequence[Rule] = ()
    #: Who owns jobs (`Treasury`) -> their addresses.
    owners: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    webhooks: Mapping[str, Webhook] = field(default_factory=dict)
    #: In which mails are written: `en` or `de`.
    language: str = "en"

    def rule_for(self, cause: Cause) -> Rule:
        return next((rule for rule in self.rules if rule.fits(cause)), SHOWN_ONLY)

    def named(self, name: str) -> Rule:
        return next((rule for rule in self.rules if rule.name == name), SHOWN_ONLY)

    def destinations(self, rule: Rule, owner: str | None) -> list[str]:
        """Addresses and `webhook:<name>`, each once; `owner` is who is responsible for the job."""
        found: dict[str, str] = {}
        for to in rule.to:
            for one in self._owner(owner) if to == OWNER else (to,):
                found.setdefault(one.casefold(), one)
        return list(found.values())

    def _owner(self, owner: str | None) -> Sequence[str]:
        return self.owners.get(owner or ANYBODY) or self.owners.get(ANYBODY, ())


def severity_of(rule: Rule, cause: Cause) -> Severity:
    return rule.severity or SEVERITIES[cause.kind]


def fits_any(patterns: Sequence[str], value: str | None) -> bool:
    """Whether one of the patterns fits; all do where there are none."""
    return not patterns or (value is not None and any(fnmatchcase(value, one) for one in patterns))
