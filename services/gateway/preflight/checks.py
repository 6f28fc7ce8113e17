"""The checks before a start, from what was found out. Pure.

`refused` is what `POST /jobs/{id}/runs` refuses, and nothing else. A system that is away is a `warning`: the
run would be accepted, and tried again.
"""

from services.gateway.preflight.facts import Facts
from services.gateway.preflight.findings import CheckName, Finding
from services.gateway.preflight.repetition import check_repetition
from services.gateway.preflight.sayings import N_, Saying, Told, told
from services.gateway.problems import WrongField
from shared.parameters import REQUIRED
from shared.requests import effective_principal
from shared.words import BreakerState, CheckVerdict

_OK, _WARNING, _REFUSED, _UNKNOWN = (
    CheckVerdict.OK, CheckVerdict.WARNING, CheckVerdict.REFUSED, CheckVerdict.UNKNOWN,
)  # fmt: skip

_NOT_LOOKED_AT = (Saying.of(N_("It was not looked at, because you may not start the job.")),)


def check_all(facts: Facts) -> list[Finding]:
    """Every check, in the order in which a person wants to read them."""
    return [
        _permission(facts),
        _parameters(facts),
        check_repetition(facts),
        _service(facts),
        *_systems(facts),
        *_locations(facts),
    ]


# --- may they, and as whom -------------------------------------------------------------------------


def _permission(facts: Facts) -> Finding:
    entry, asking = facts.wanted.entry, facts.wanted.asking
    roles = sorted(entry.access.roles)
    if facts.client_refused is not None:
        refused = facts.client_refused
        return Finding(
            "permission", _REFUSED, refused.code,
            (Saying.of(N_("You cannot start it for this client, or have to say for which one.")),),
            told(refused.cause), told(refused.next_step), data={"clients": sorted(asking.clients)},
        )  # fmt: skip
    client = facts.wanted.client
    if facts.role_missing:
        return Finding(
            "permission", _REFUSED, "role_missing",
            (Saying.of(N_("You may not start this job.")),),
            (Saying.of(N_("You lack the role %(roles)s."), roles=roles),),
            (Saying.of(N_("Ask an administrator for the role.")),),
            data={"client": client, "roles_wanted": roles},
        )  # fmt: skip
    works_as = effective_principal(entry, asking.id)
    data = {"client": client, "effective_principal": works_as, "elevates": works_as != asking.id}
    if works_as == asking.id:
        words = Saying.of(
            N_("You may start it for client %(client)s. It works as you, %(user)s."),
            client=client,
            user=asking.id,
        )
        return Finding("permission", _OK, "allowed", (words,), data=data)
    user = facts.service_user
    gained = sorted(user.roles - asking.roles) if user is not None else []
    said = Saying.of(
        N_("You may start it for client %(client)s. It works as the service user %(user)s, not as you."),
        client=client,
        user=works_as,
    )
    if user is None or not user.active:
        return Finding(
            "permission", _WARNING, "service_user_missing", (said,),
            (Saying.of(N_("There is no active service user %(user)s."), user=works_as),),
            (Saying.of(N_("Ask an administrator to make the service user, or to activate it.")),),
            data=data,
        )  # fmt: skip
    more = (Saying.of(N_("It has roles that you do not have: %(roles)s."), roles=gained),) if gained else ()
    return Finding("permission", _OK, "allowed", (said, *more), data={**data, "roles_gained": gained})


def _parameters(facts: Facts) -> Finding:
    entry = facts.wanted.entry
    if facts.wanted.dry_run and not entry.dry_run:
        return Finding(
            "parameters", _REFUSED, "dry_run_not_supported",
            (Saying.of(N_("This job knows no dry run.")),),
            mend=(Saying.of(N_("Start it without a dry run, if you are sure.")),),
        )  # fmt: skip
    if not facts.wrong:
        none = not entry.parameters.get("properties")
        words = N_("This job has no parameters.") if none else N_("The parameters are right.")
        return Finding("parameters", _OK, "valid", (Saying.of(words),))
    names = [wrong.field.removeprefix("parameters.") for wrong in facts.wrong]
    causes = tuple(_wrong(name, wrong) for name, wrong in zip(names, facts.wrong, strict=True))
    return Finding(
        "parameters", _REFUSED, "parameters_invalid",
        (Saying.of(N_("To correct: %(names)s."), names=names),),
        causes,
        (Saying.of(N_("Correct them; nothing is started with wrong parameters.")),),
        data={"errors": [wrong.model_dump(exclude_none=True) for wrong in facts.wrong]},
    )  # fmt: skip


def _wrong(name: str, wrong: WrongField) -> Saying:
    if wrong.message == REQUIRED:
        return Saying.of(N_("%(name)s is required."), name=name)
    return Saying.of("%(name)s: %(message)s", name=name, message=Told(_ended(wrong.message)))


def _ended(words: str) -> str:
    return words if words.endswith((".", "?", "!")) else f"{words}."


# --- what it needs ---------------------------------------------------------------------------------


def _service(facts: Facts) -> Finding:
    entry = facts.wanted.entry
    data = {
        "service": entry.service,
        "instances": [one.instance for one in facts.instances],
        "ready": sum(one.ready for one in facts.instances),
    }
    if entry.retired:
        return Finding(
            "service", _REFUSED, "job_retired",
            (Saying.of(N_("No service offers this job any more.")),),
            mend=(Saying.of(N_("Look for its successor in the list of jobs.")),),
            data=data,
        )  # fmt: skip
    if not facts.instances:
        return Finding(
            "service", _WARNING, "service_not_running",
            (Saying.of(N_("Nobody works on it: the run would wait.")),),
            (Saying.of(N_("The service %(service)s is not running."), service=entry.service),),
            (Saying.of(N_("Start the service, or look at its log; the run begins as soon as it is there.")),),
            data=data,
        )  # fmt: skip
    if not data["ready"]:
        trouble = next((one.trouble for one in facts.instances if one.trouble), None)
        return Finding(
            "service", _WARNING, trouble.code if trouble else "service_not_ready",
            (Saying.of(N_("The service %(service)s runs, and cannot do its work."), service=entry.service),),
            told(trouble.cause) if trouble else (Saying.of(N_("It is starting or stopping.")),),
            told(trouble.next_step) if trouble else (Saying.of(N_("Wait a moment, and check again.")),),
            data=data,
        )  # fmt: skip
    words = Saying.of(N_("The service %(service)s is at work."), service=entry.service)
    return Finding("service", _OK, "at_work", (words,), data=data)


def _systems(facts: Facts) -> list[Finding]:
    systems = facts.wanted.entry.systems
    if not systems:
        words = Saying.of(N_("It calls no system outside."))
        return [Finding("system", _OK, "none_called", (words,))]
    found = {
        name: _looked_at(
            facts, "system", name,
            good=N_("%(name)s can be reached: %(found)s."),
            bad=N_("%(name)s cannot be used now; the run would be tried again, and might fail."),
        )
        for name in systems
    }  # fmt: skip
    return [_left_alone(facts, name, one) or one for name, one in found.items()]


def _left_alone(facts: Facts, name: str, found: Finding) -> Finding | None:
    """Where calls of it are held back, although it may answer by now. Of a system with several addresses
    nobody knows here which one the run would call."""
    breakers = [one for one in facts.breakers if one.system == name]
    tried_again = [one.next_try for one in breakers if one.state is BreakerState.OPEN and one.next_try]
    if found.verdict is not _OK or not tried_again or len(tried_again) < len(breakers):
        return None
    return Finding(
        "system", _WARNING, "external_system_paused",
        (Saying.of(N_("Calls of %(name)s are held back until %(then)s; the run would wait for that long."),
                   name=name, then=min(tried_again)),),
        (Saying.of(N_("It could not be reached %(number)s times in a row."),
                   number=max(one.failures for one in breakers)),),
        (Saying.of(N_("Nothing: it answers now, and is called again by itself. Or wait until then.")),),
        concern=name, data=found.data,
    )  # fmt: skip


def _locations(facts: Facts) -> list[Finding]:
    locations = facts.wanted.entry.locations
    if facts.wanted.dry_run:
        words = Saying.of(N_("A dry run writes nothing."))
        return [Finding("location", _OK, "dry_run", (words,))]
    if not locations:
        words = Saying.of(N_("It writes to the database only."))
        return [Finding("location", _OK, "database_only", (words,))]
    return [
        _looked_at(
            facts, "location", name,
            good=N_("%(name)s: %(found)s."),
            bad=N_("%(name)s cannot be written now; the run would be tried again, and might fail."),
        )
        for name in locations
    ]  # fmt: skip


def _looked_at(facts: Facts, check: CheckName, name: str, *, good: str, bad: str) -> Finding:
    nobody_knows = (Saying.of(N_("%(name)s: nobody can tell."), name=name),)
    if facts.probed is None:
        why = facts.probes_unknown
        return Finding(
            check, _UNKNOWN, why.code if why else "not_looked_at", nobody_knows,
            told(why.cause) if why else _NOT_LOOKED_AT, told(why.next_step) if why else (), concern=name,
        )  # fmt: skip
    probed = facts.probed.get(name)
    if probed is None or probed.verdict is CheckVerdict.UNKNOWN:
        cause = told(probed.words) if probed else ()
        return Finding(check, _UNKNOWN, "probe_missing", nobody_knows, cause, concern=name)
    data = {"checked_at": probed.checked_at.isoformat(), "duration_ms": probed.duration_ms}
    if probed.verdict is CheckVerdict.OK:
        words = Saying.of(good, name=name, found=Told(probed.words))
        return Finding(check, _OK, "usable", (words,), concern=name, data=data)
    return Finding(
        check, _WARNING, probed.code or "unusable", (Saying.of(bad, name=name),),
        told(probed.words), told(probed.mend), concern=name, data=data,
    )  # fmt: skip
