"""How a job is declared: one function, one file, every fact that its users need.

The decorator describes and has no effect on import; `collect` checks a service's jobs at boot and refuses
with the missing fact named. Parameters before the `*` are what a person fills in, those after it are what
the service provides, by type.
"""

import inspect
import re
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, get_type_hints

from cronsim import CronSim, CronSimError
from pydantic import BaseModel, ConfigDict, Field, create_model

from shared.access import Access
from shared.choices import sources_of
from shared.events import Record
from shared.runner.context import RunContext
from shared.words import Danger, Kind, Lane

JobFunction = Callable[..., AsyncIterator[Record | Sequence[Record]]]

#: `documents.ocr`: the service, then the job, in lower-case words and dashes.
JOB_ID = re.compile(r"^[a-z][a-z0-9_]*\.[a-z][a-z0-9]*(-[a-z0-9]+)*$")


class JobRefused(Exception):
    """A job that may not start up; the message names the job, what is missing and how to mend it."""


def seconds(value: float) -> timedelta:
    return timedelta(seconds=value)


def minutes(value: float) -> timedelta:
    return timedelta(minutes=value)


@dataclass(frozen=True, slots=True)
class Backoff:
    """Waits between attempts: `first * factor**(n-1)`, at most `ceiling`."""

    first: timedelta
    factor: float = 2.0
    ceiling: timedelta = timedelta(hours=1)

    def wait_before(self, attempt: int) -> timedelta:
        """The wait before `attempt` (2 for the first retry)."""
        return min(self.first * self.factor ** max(0, attempt - 2), self.ceiling)


def exponential(first: timedelta, *, ceiling: timedelta = timedelta(hours=1)) -> Backoff:
    return Backoff(first, 2.0, ceiling)


def fixed(wait: timedelta) -> Backoff:
    return Backoff(wait, 1.0, wait)


@dataclass(frozen=True, slots=True)
class Retry:
    """How often a run is tried, and how long it waits in between. `attempts=1` means never again."""

    attempts: int
    backoff: Backoff = field(default_factory=lambda: exponential(seconds(5)))

    def describe(self) -> str:
        if self.attempts == 1:
            return "never"
        first = self.backoff.first.total_seconds()
        return f"up to {self.attempts} attempts, the first retry after {first:g} s"


@dataclass(frozen=True, slots=True)
class Safe:
    """Running it twice changes nothing the second time, because of `why`."""

    why: str


@dataclass(frozen=True, slots=True)
class ReadOnly(Safe):
    """It changes nothing, here or outside, because of `why`. Told of a change, a run fails."""


@dataclass(frozen=True, slots=True)
class Risky:
    """Running it twice does harm: `risk` says which."""

    risk: str


@dataclass(frozen=True, slots=True)
class Job:
    """A declared job. Field comments say what the catalogue's readers see."""

    id: str
    title: str
    #: The docstring's first paragraph.
    description: str
    kind: Kind
    owner: str
    access: Access
    expected_runtime: timedelta
    timeout: timedelta
    retry: Retry
    repeat: Safe | Risky
    #: Systems outside that it calls.
    systems: tuple[str, ...]
    #: Where it writes besides the database: `file-store`.
    locations: tuple[str, ...]
    output: str
    expected_result: str
    #: Where its logs are found.
    logs: str
    #: Repository path of the page that says what to check, in order, per error code.
    troubleshooting: str
    danger: Danger | None
    #: A named service user, or `user`: as whom it works.
    runs_as: str
    #: A business event type that starts it.
    on: str | None
    #: Default cron expression, which administrators can change.
    schedule: str | None
    #: Runs at once over all replicas.
    limit: int | None
    #: Whether it computes (children in `cpu_slots`) rather than waits.
    cpu_bound: bool
    #: Whether a run keeps its slot while it waits for a retry, so that later runs do not overtake it.
    ordered: bool
    #: Whether it can tell what it would do without doing it: it obeys `RunContext.dry_run`.
    dry_run: bool
    function: JobFunction
    #: What a person fills in.
    parameters: type[BaseModel]
    #: Name -> type of what the service provides.
    provided: dict[str, Any]

    @property
    def service(self) -> str:
        return self.id.split(".", 1)[0]

    @property
    def lanes(self) -> tuple[Lane | None, ...]:
        """The lanes with a durable each; a job with a concurrency limit has the one lane `None`."""
        return (Lane.INTERACTIVE, Lane.BULK) if self.limit is None else (None,)

    def parameters_schema(self) -> dict[str, Any]:
        return self.parameters.model_json_schema()


def job(
    id: str,
    *,
    title: str = "",
    kind: Kind | None = None,
    owner: str = "",
    access: Access | None = None,
    expected_runtime: timedelta | None = None,
    retry: Retry | None = None,
    repeat: Safe | Risky | None = None,
    systems: Sequence[str] = (),
    locations: Sequence[str] = (),
    output: str = "",
    expected_result: str = "",
    logs: str = "",
    troubleshooting: str = "",
    timeout: timedelta | None = None,
    danger: Danger | None = None,
    runs_as: str = "user",
    on: str | None = None,
    schedule: str | None = None,
    limit: int | None = None,
    cpu_bound: bool = False,
    ordered: bool = False,
    dry_run: bool = False,
) -> Callable[[JobFunction], Job]:
    """Declare a job. Raises `JobRefused` with every missing or wrong fact named."""

    def declare(function: JobFunction) -> Job:
        facts = {
            "title": title, "kind": kind, "owner": owner, "access": access, "retry": retry, "repeat": repeat,
            "expected_runtime": expected_runtime, "expected_result": expected_result, "output": output,
            "logs": logs, "troubleshooting": troubleshooting,
        }  # fmt: skip
        description = (inspect.getdoc(function) or "").split("\n\n")[0].replace("\n", " ")
        wrong = [f"{name} is missing" for name, value in facts.items() if not value]
        if not description:
            wrong.append("a docstring is missing (its first paragraph is the short description)")
        if not JOB_ID.match(id):
            wrong.append("the id must read <service>.<job>, in lower-case words and dashes")
        if not inspect.isasyncgenfunction(function):
            wrong.append("it must be an async function that yields records")
        if (isinstance(repeat, Safe) and not repeat.why) or (isinstance(repeat, Risky) and not repeat.risk):
            wrong.append("repeat must say why it is safe, or which risk it has")
        if retry is not None and retry.attempts < 1:
            wrong.append("retry.attempts must be at least 1")
        if limit is not None and limit < 1:
            wrong.append("limit must be at least 1")
        if ordered and limit is None:
            wrong.append("ordered needs a limit (usually 1): without one, runs overtake each other anyway")
        if schedule is not None and not _is_cron(schedule):
            wrong.append(f"schedule {schedule!r} must be cron with five fields, such as 15 2 * * *")
        if wrong:
            raise JobRefused(f"job {id} ({function.__module__}): " + "; ".join(wrong))
        assert kind is not None
        assert access is not None
        assert expected_runtime is not None
        assert retry is not None
        assert repeat is not None
        parameters, provided = _signature_of(id, function)
        if dry_run and RunContext not in provided.values():
            raise JobRefused(
                f"job {id} ({function.__module__}): dry_run needs a RunContext, to be told of it"
            )
        return Job(
            id=id, title=title, description=description, kind=kind, owner=owner, access=access,
            expected_runtime=expected_runtime,
            timeout=timeout or max(expected_runtime * 10, minutes(1)),
            retry=retry, repeat=repeat, systems=tuple(systems), locations=tuple(locations),
            output=output, expected_result=expected_result, logs=logs, troubleshooting=troubleshooting,
            danger=danger, runs_as=runs_as, on=on, schedule=schedule, limit=limit, cpu_bound=cpu_bound,
            ordered=ordered, dry_run=dry_run, function=function, parameters=parameters,
            provided=provided,
        )  # fmt: skip

    return declare


def _is_cron(expression: str) -> bool:
    try:
        CronSim(expression, datetime(2026, 1, 1, tzinfo=UTC))
    except CronSimError:
        return False
    return len(expression.split()) == 5


def _signature_of(id: str, function: JobFunction) -> tuple[type[BaseModel], dict[str, Any]]:
    hints = get_type_hints(function, include_extras=True)
    fields: dict[str, Any] = {}
    provided: dict[str, Any] = {}
    for name, parameter in inspect.signature(function).parameters.items():
        if name not in hints:
            raise JobRefused(f"job {id}: parameter {name} needs a type annotation")
        if parameter.kind is inspect.Parameter.KEYWORD_ONLY:
            provided[name] = hints[name]
        elif parameter.kind is inspect.Parameter.POSITIONAL_OR_KEYWORD:
            default = ... if parameter.default is inspect.Parameter.empty else parameter.default
            fields[name] = (hints[name], default)
        else:
            raise JobRefused(f"job {id}: parameter {name} must be an ordinary or a keyword-only one")
    name = "".join(word.capitalize() for word in re.split(r"[.\-_]", id)) + "Parameters"
    return create_model(name, __config__=ConfigDict(extra="forbid"), **fields), provided


def collect(
    service: str,
    jobs: Iterable[Job],
    provides: Iterable[Any],
    *,
    choices: Iterable[str] = (),
    root: Path | None = None,
) -> dict[str, Job]:
    """The jobs of `service` by id, checked against what the service provides.

    Raises `JobRefused` for a job of another service, an id used twice, a provided type that nobody
    provides, a source of choices that nobody answers, or a troubleshooting page that does not exist below
    `root`.
    """
    offered = set(provides)
    collected: dict[str, Job] = {}
    for job in jobs:
        if job.service != service:
            raise JobRefused(
                f"job {job.id}: it stands in service {service}; its id must start with {service}."
            )
        if job.id in collected:
            raise JobRefused(
                f"job {job.id}: the id is used twice; ids are for ever, give the newer job another"
            )
        for name, wanted in job.provided.items():
            if wanted not in offered:
                known = ", ".join(sorted(getattr(t, "__name__", str(t)) for t in offered))
                raise JobRefused(
                    f"job {job.id}: nothing in service {service} provides {name}: {wanted}; known are {known}"
                )
        for name, source in sources_of(job.parameters_schema()).items():
            if source not in set(choices):
                raise JobRefused(
                    f"job {job.id}: nothing in service {service} answers the choices {source} of its"
                    f" parameter {name}; known are {', '.join(sorted(choices)) or 'none'}"
                )
        if root is not None and not (root / job.troubleshooting).is_file():
            raise JobRefused(
                f"job {job.id}: its troubleshooting page {job.troubleshooting} does not exist; write what to "
                "check, in order, per error code"
            )
        collected[job.id] = job
    return collected


class CatalogueEntry(BaseModel):
    """A job as the catalogue bucket holds it; gateway and scheduler work from this and import no service."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    id: str
    service: str
    title: str
    description: str
    kind: Kind
    owner: str
    access: Access
    #: Seconds.
    expected_runtime: float
    #: Seconds.
    timeout: float
    retry: str
    #: Whether running it twice changes nothing the second time, and the reason or the risk.
    safe_to_repeat: bool
    repeat: str
    #: Whether it changes nothing, the first time included.
    read_only: bool = False
    systems: list[str]
    #: Where it writes besides the database.
    locations: list[str] = Field(default_factory=list)
    output: str
    expected_result: str
    logs: str
    troubleshooting: str
    danger: Danger | None = None
    runs_as: str = "user"
    on: str | None = None
    schedule: str | None = None
    limit: int | None = None
    #: Whether it can tell what it would do without doing it.
    dry_run: bool = False
    #: JSON Schema of the parameters.
    parameters: dict[str, Any]
    #: Version of the software that offered it; an entry is written over a lower or equal one only.
    software_version: str
    #: No service offers it any more.
    retired: bool = False

    @classmethod
    def of(cls, job: Job, software_version: str) -> "CatalogueEntry":
        safe = isinstance(job.repeat, Safe)
        return cls(
            id=job.id, service=job.service, title=job.title, description=job.description, kind=job.kind,
            owner=job.owner, access=job.access, expected_runtime=job.expected_runtime.total_seconds(),
            timeout=job.timeout.total_seconds(), retry=job.retry.describe(), safe_to_repeat=safe,
            repeat=job.repeat.why if isinstance(job.repeat, Safe) else job.repeat.risk,
            read_only=isinstance(job.repeat, ReadOnly),
            systems=list(job.systems), locations=list(job.locations), output=job.output,
            expected_result=job.expected_result, logs=job.logs, troubleshooting=job.troubleshooting,
            danger=job.danger, runs_as=job.runs_as, on=job.on, schedule=job.schedule, limit=job.limit,
            dry_run=job.dry_run, parameters=job.parameters_schema(), software_version=software_version,
        )  # fmt: skip

    @property
    def asks_confirmation(self) -> bool:
        """Whether a person who starts it must type its id and give a reason: it is dangerous, or risky."""
        return self.danger is not None or not self.safe_to_repeat

    def lane_for(self, wanted: Lane) -> Lane:
        """Where a request of this job goes: a job with a limit has one lane."""
        return wanted if self.limit is None else Lane.INTERACTIVE
