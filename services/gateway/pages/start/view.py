"""What the start page shows. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from services.gateway.identity.doorkeeper import CSRF_FIELD
from services.gateway.pages.codes import title_of
from services.gateway.pages.languages import N_
from services.gateway.pages.safety import Badge, Start
from services.gateway.pages.start.equivalents import call, command
from services.gateway.pages.start.fields import Field, as_text, rows_of
from services.gateway.pages.start.filled import PREFIX
from services.gateway.preflight.checks import check_all
from services.gateway.preflight.effect import effect_in_words
from services.gateway.preflight.facts import Facts
from services.gateway.preflight.findings import Finding, may_start
from services.gateway.preflight.sayings import Saying
from services.gateway.problems import WrongField
from shared.commands import Choice, ChoicesPage
from shared.errors import Failure
from shared.jobs import CatalogueEntry
from shared.parameters import REQUIRED
from shared.words import CheckVerdict

#: Up to so many choices are shown all at once; more are looked for by typing.
FEW = 12

#: Problems that stand at a field of the form, besides those of the parameters.
_AT_FIELDS: Mapping[str, tuple[str, ...]] = {
    "client_ambiguous": ("client",),
    "client_missing": ("client",),
    "client_not_found": ("client",),
    "confirmation_required": ("confirm", "reason"),
}


@dataclass(frozen=True, slots=True)
class Filled:
    """What stands in the form."""

    client: str | None = None
    #: Texts by parameter.
    values: Mapping[str, Sequence[str]] = field(default_factory=dict)
    confirm: str = ""
    reason: str = ""
    #: The same for every sending of one form, so that a double click starts once.
    key: str = ""
    #: The run from which it was filled in.
    from_run: UUID | None = None


@dataclass(frozen=True, slots=True)
class Checks:
    """The preflight, and what goes with it."""

    findings: Sequence[Finding]
    effect: Sequence[Saying]
    may_start: bool
    #: Verdict -> number of findings, without those that are well.
    numbers: Mapping[CheckVerdict, int]
    #: Message or English words, by field of the form.
    errors: Mapping[str, "Wrong"]
    command: str
    call: str
    dry_run: bool


@dataclass(frozen=True, slots=True)
class Wrong:
    """What is wrong with a field."""

    words: str
    #: A message of ours, which is translated; else English.
    message: bool


@dataclass(frozen=True, slots=True)
class StartPage:
    entry: CatalogueEntry
    badge: Badge
    start: Start
    #: Rows of fields: those that have to be filled in, and the others.
    required: Sequence[Sequence[Field]]
    optional: Sequence[Sequence[Field]]
    filled: Filled
    clients: Sequence[Choice]
    #: What there is to choose from, by parameter.
    choices: Mapping[str, ChoicesPage]
    #: None as long as nobody asked.
    checks: Checks | None
    #: Why it was not started.
    problem: Failure | None

    @property
    def optional_open(self) -> bool:
        """Whether something stands in one of the fields that are folded away, or is wrong there."""
        wrong = self.errors
        return any(
            field.name in wrong or list(self.filled.values.get(field.name, ())) != _default_texts(field)
            for row in self.optional
            for field in row
        )

    @property
    def errors(self) -> Mapping[str, Wrong]:
        """What is wrong, by field."""
        found = dict(self.checks.errors) if self.checks is not None else {}
        if self.problem is not None:
            for name in _AT_FIELDS.get(self.problem.code, ()):
                wrong = Wrong(self.problem.cause, message=False)
                found.setdefault(name, wrong if name == "client" else _NOT_FILLED)
        if self.filled.confirm == self.entry.id:
            found.pop("confirm", None)
        if self.filled.reason.strip():
            found.pop("reason", None)
        return found

    @property
    def stands_at_fields(self) -> bool:
        """Whether the fields say all that there is to say about why it was not started."""
        problem = self.problem
        return problem is not None and problem.code in (*_AT_FIELDS, "parameters_invalid")

    @property
    def problem_title(self) -> str:
        """A message."""
        return (title_of(self.problem.code) if self.problem is not None else None) or N_("It was not started")

    @property
    def files(self) -> list[str]:
        """Parameters that are files."""
        rows = [*self.required, *self.optional]
        return [field.name for row in rows for field in row if field.kind == "file"]

    def upload_path(self, name: str, csrf_token: str | None) -> str:
        """Where a file for this parameter goes, with all that stands in the form, so that nothing is lost. A
        form with a file is read piece by piece, so its token stands in the address."""
        values = [(PREFIX + other, text) for other, texts in self.filled.values.items() for text in texts]
        extra = {"parameter": name, "from": self.filled.from_run, CSRF_FIELD: csrf_token}
        given = [(key, str(value)) for key, value in extra.items() if value is not None]
        return f"/jobs/{self.entry.id}/start/upload?{urlencode([*given, *values])}"

    def few(self, name: str) -> Sequence[Choice] | None:
        """All choices of a parameter, if they are few enough to be shown at once."""
        page = self.choices.get(name)
        if page is None or page.more or not 0 < len(page.items) <= FEW:
            return None
        return page.items

    def many(self, name: str) -> Sequence[Choice]:
        page = self.choices.get(name)
        return page.items if page is not None else ()


_NOT_FILLED = Wrong(N_("This has to be filled in."), message=True)


def _default_texts(field: Field) -> list[str]:
    if field.default is None or field.default == []:
        return []
    return [as_text(one) for one in field.default] if field.several else [as_text(field.default)]


def split(fields: Sequence[Field]) -> tuple[list[list[Field]], list[list[Field]]]:
    """Rows of what has to be filled in, and of the rest."""
    return (
        rows_of([field for field in fields if field.required]),
        rows_of([field for field in fields if not field.required]),
    )


def checks_of(facts: Facts, reason: str) -> Checks:
    findings = check_all(facts)
    wanted = facts.wanted
    numbers: dict[CheckVerdict, int] = {}
    for finding in findings:
        if finding.verdict is not CheckVerdict.OK:
            numbers[finding.verdict] = numbers.get(finding.verdict, 0) + 1
    said: dict[str, Any] = {"reason": reason, "dry_run": wanted.dry_run}
    return Checks(
        findings=findings,
        effect=effect_in_words(wanted),
        may_start=may_start(findings),
        numbers=numbers,
        errors=errors_of(facts.wrong),
        command=command(wanted.entry, wanted.client, wanted.parameters, **said),
        call=call(wanted.entry, wanted.client, wanted.parameters, **said),
        dry_run=wanted.dry_run,
    )


def errors_of(wrong: Sequence[WrongField]) -> dict[str, Wrong]:
    """The first thing that is wrong with each parameter, by its name."""
    errors: dict[str, Wrong] = {}
    for one in wrong:
        name = one.field.removeprefix("parameters.").split(".")[0]
        errors.setdefault(name, _NOT_FILLED if one.message == REQUIRED else Wrong(one.message, message=False))
    return errors
