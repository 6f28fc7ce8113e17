"""Is it safe to run it again? From the job's declaration and from its runs with the same parameters. Pure."""

from typing import Any

from services.gateway.preflight.facts import Facts
from services.gateway.preflight.findings import Finding
from services.gateway.preflight.sayings import N_, Ago, Saying, Told, told
from shared.commands import DoubtfulRun, Repeats, RunSummary
from shared.words import CheckVerdict, Outcome

_OK, _WARNING, _UNKNOWN = CheckVerdict.OK, CheckVerdict.WARNING, CheckVerdict.UNKNOWN


def check_repetition(facts: Facts) -> Finding:
    """An effect in doubt comes first, then a run that is under way, then the last one that has ended."""
    if facts.wanted.dry_run:
        words = Saying.of(N_("A dry run changes nothing, so it can be repeated at any time."))
        return Finding("repetition", _OK, "dry_run", (words,))
    repeats = facts.repeats
    if repeats is None:
        return _unknown(facts)
    if repeats.in_doubt:
        return _in_doubt(facts, repeats.in_doubt)
    if repeats.under_way:
        return _under_way(facts, repeats.under_way)
    if repeats.last is not None:
        return _ran_before(facts, repeats.last)
    return _never_ran(facts, repeats)


def _unknown(facts: Facts) -> Finding:
    words = Saying.of(N_("Nobody can tell whether it has run with these parameters."))
    why = facts.repeats_unknown
    if why is not None:
        cause, mend, code = told(why.cause), told(why.next_step), why.code
    elif not facts.permitted:
        cause = (Saying.of(N_("It was not looked at, because you may not start the job.")),)
        mend, code = (), "not_looked_at"
    else:
        cause = (Saying.of(N_("The parameters have to be right first.")),)
        mend, code = (), "not_looked_at"
    return Finding("repetition", _UNKNOWN, code, (words, _declared(facts)), cause, mend, data=_data(facts))


def _in_doubt(facts: Facts, doubtful: list[DoubtfulRun]) -> Finding:
    run = doubtful[0]
    effects = [doubt.effect for doubt in run.in_doubt]
    words = Saying.of(
        N_("An effect of an earlier run is in doubt: %(effects)s (run %(run)s, %(ago)s)."),
        effects=effects,
        run=run.run_id,
        ago=Ago(run.finished_at, facts.now),
    )
    return Finding(
        "repetition", _WARNING, "effect_in_doubt", (words,),
        (Saying.of(N_("Nobody has decided whether it happened; done again, it could happen twice.")),),
        (Saying.of(N_("Find out whether it happened, and decide it at that run first.")),),
        data=_data(facts, in_doubt=[str(one.run_id) for one in doubtful], effects=effects),
    )  # fmt: skip


def _under_way(facts: Facts, runs: list[RunSummary]) -> Finding:
    run = runs[0]
    words = Saying.of(
        N_("A run with the same parameters is %(state)s: run %(run)s, requested %(ago)s by %(user)s."),
        state=run.state,
        run=run.run_id,
        ago=Ago(run.requested_at, facts.now),
        user=run.principal,
    )
    return Finding(
        "repetition", _WARNING, "under_way", (words, _again(facts)),
        (Saying.of(N_("It has not ended, so nobody knows yet what is left to do.")),),
        (Saying.of(N_("Wait for its end, or cancel it.")),),
        data=_data(facts, run_id=str(run.run_id), state=run.state, under_way=len(runs)),
    )  # fmt: skip


def _ran_before(facts: Facts, run: RunSummary) -> Finding:
    then = run.finished_at or run.requested_at
    values: dict[str, Any] = {
        "ago": Ago(then, facts.now), "run": run.run_id, "state": run.state, "counts": run.counts,
    }  # fmt: skip
    if run.counts:
        words = Saying.of(
            N_("It ran %(ago)s with the same parameters (run %(run)s, %(state)s: %(counts)s)."), **values
        )
    else:
        words = Saying.of(N_("It ran %(ago)s with the same parameters (run %(run)s, %(state)s)."), **values)
    data = _data(
        facts, run_id=str(run.run_id), state=run.state, finished_at=then.isoformat(), counts=run.counts
    )
    if facts.wanted.entry.safe_to_repeat or not _may_have_done_something(run):
        return Finding("repetition", _OK, "ran_before", (words, _again(facts)), data=data)
    return Finding(
        "repetition", _WARNING, "ran_before", (words,),
        (_again(facts),),
        (Saying.of(N_("Look at that run first; start only what it has not done.")),),
        data=data,
    )  # fmt: skip


def _never_ran(facts: Facts, repeats: Repeats) -> Finding:
    words = Saying.of(
        N_("It has not run with these parameters for client %(client)s."), client=facts.wanted.client
    )
    return Finding("repetition", _OK, "never_ran", (words, _declared(facts)), data=_data(facts))


def _may_have_done_something(run: RunSummary) -> bool:
    outcomes = {Outcome(name) for name, number in run.counts.items() if number}
    return any(outcome.changed_data or outcome is Outcome.UNKNOWN for outcome in outcomes) or run.calls > 0


def _again(facts: Facts) -> Saying:
    """What another run would do."""
    entry = facts.wanted.entry
    why = Told(entry.repeat.rstrip("."))
    if entry.safe_to_repeat:
        return Saying.of(N_("Running it again changes nothing: %(why)s."), why=why)
    return Saying.of(N_("Running it again is risky: %(why)s."), why=why)


def _declared(facts: Facts) -> Saying:
    """What the job says of a repetition."""
    entry = facts.wanted.entry
    why = Told(entry.repeat.rstrip("."))
    if entry.safe_to_repeat:
        return Saying.of(N_("It is safe to repeat: %(why)s."), why=why)
    return Saying.of(N_("It is risky to repeat: %(why)s."), why=why)


def _data(facts: Facts, **more: Any) -> dict[str, Any]:
    return {"safe_to_repeat": facts.wanted.entry.safe_to_repeat, **more}
