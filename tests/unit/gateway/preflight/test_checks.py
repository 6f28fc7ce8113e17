"""From what was found out to verdicts, causes and mends. Pure."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from services.gateway.parameters import ways_to_write
from services.gateway.preflight.checks import check_all
from services.gateway.preflight.effect import effect_of
from services.gateway.preflight.facts import Facts, Instance, Wanted
from services.gateway.preflight.findings import Check, may_start
from services.gateway.preflight.sayings import Ago, Saying, Told
from services.gateway.problems import WrongField
from shared.access import Access, Principal
from shared.commands import Breaker, DoubtfulRun, Probed, Repeats, RunSummary
from shared.errors import Failure
from shared.events import DoubtfulEffect
from shared.jobs import CatalogueEntry
from shared.words import BreakerState, CheckVerdict, Danger, Kind, Level, RunState, Trigger

NOW = datetime(2026, 3, 1, 15, 0, tzinfo=UTC)
RUN = UUID("01956000-0000-7000-8000-000000000001")
ADA = Principal(id="ada", name="Ada", roles=frozenset({"accounting"}), clients=frozenset({"alpha"}))
WORKER = Instance(service="bank", instance="host:1", ready=True)
GONE = Failure(code="service_unavailable", cause="it is not running", next_step="Start it.")


def entry(**changes: Any) -> CatalogueEntry:
    return CatalogueEntry(
        **{
            "id": "bank.import", "service": "bank", "title": "Import", "description": "Imports.",
            "kind": Kind.INTEGRATION, "owner": "Treasury", "expected_runtime": 1, "timeout": 60,
            "access": Access(module="bank", level=Level.OPERATIONAL, roles=frozenset({"accounting"})),
            "retry": "never", "safe_to_repeat": True, "repeat": "rows are keyed.", "systems": ["ecb"],
            "locations": ["file-store"], "output": "rows", "expected_result": "each once", "logs": "x",
            "troubleshooting": "x", "software_version": "1",
            "parameters": {"properties": {"day": {"type": "string"}}}, **changes,
        }
    )  # fmt: skip


def probed(name: str, verdict: CheckVerdict = CheckVerdict.OK, **more: Any) -> Probed:
    return Probed(**{"name": name, "verdict": verdict, "words": "it answers", "checked_at": NOW,
                     "duration_ms": 3, **more})  # fmt: skip


def facts(job: CatalogueEntry | None = None, *, dry_run: bool = False, **changes: Any) -> Facts:
    wanted = Wanted(job or entry(), ADA, changes.pop("client", "alpha"), {}, dry_run)
    return Facts(
        **{
            "wanted": wanted, "now": NOW, "client_refused": None, "role_missing": False, "wrong": [],
            "service_user": None, "instances": [WORKER], "repeats": Repeats(),
            "probed": {name: probed(name) for name in ("ecb", "file-store")}, **changes,
        }
    )  # fmt: skip


def checks(found: Facts) -> dict[str, Check]:
    return {check.check: check for check in (finding.in_english() for finding in check_all(found))}


def past_run(**changes: Any) -> RunSummary:
    return RunSummary(
        **{
            "run_id": RUN, "job": "bank.import", "client": "alpha", "principal": "eve",
            "effective_principal": "eve", "trigger": Trigger.MANUAL, "state": RunState.SUCCEEDED,
            "sentence": "", "action_required": False, "requested_at": NOW - timedelta(minutes=21),
            "finished_at": NOW - timedelta(minutes=20), "counts": {"created": 214}, **changes,
        }
    )  # fmt: skip


def breaker(state: BreakerState = BreakerState.OPEN, **more: Any) -> Breaker:
    opened = {"failures": 5, "next_try": NOW + timedelta(minutes=3)} if state is BreakerState.OPEN else {}
    told = {"system": "ecb", "host": "ecb.example:443", "state": state, "failures": 0, **opened, **more}
    return Breaker.model_validate(told)


def test_a_system_whose_calls_are_held_back_is_warned_of_though_it_answers() -> None:
    check = checks(facts(breakers=[breaker()]))["system"]
    assert (check.verdict, check.code) == (CheckVerdict.WARNING, "external_system_paused")
    held_back = "Calls of ecb are held back until 2026-03-01 15:03 UTC"
    assert check.words == f"{held_back}; the run would wait for that long."
    assert check.cause == "It could not be reached 5 times in a row."
    assert "ecb.example" not in str(check), "which may be another client's"
    # Who cannot be reached now is told so, and why.
    gone = {name: probed(name, CheckVerdict.WARNING, words="no connection") for name in ("ecb", "file-store")}
    assert checks(facts(probed=gone, breakers=[breaker()]))["system"].cause == "no connection"


@pytest.mark.parametrize(
    "breakers",
    [
        [breaker(BreakerState.CLOSED)],
        [breaker(BreakerState.HALF_OPEN)],
        [breaker(), breaker(BreakerState.CLOSED, host="other.example:443")],
        [breaker(system="erp")],
    ],
    ids=["closed", "half-open", "one address of two", "another system"],
)
def test_a_system_that_may_be_called_is_not_warned_of(breakers: list[Breaker]) -> None:
    assert checks(facts(breakers=breakers))["system"].verdict is CheckVerdict.OK


def test_all_is_well() -> None:
    found = facts()
    assert {check.verdict for check in checks(found).values()} == {CheckVerdict.OK}
    assert may_start(check_all(found))


def test_what_ran_before_is_told_with_what_another_run_would_do() -> None:
    check = checks(facts(repeats=Repeats(last=past_run())))["repetition"]
    assert check.verdict is CheckVerdict.OK
    assert check.words == (
        f"It ran 20 minutes ago with the same parameters (run {RUN}, succeeded: 214 created)."
        " Running it again changes nothing: rows are keyed."
    )
    risky = entry(safe_to_repeat=False, repeat="it sends e-mails")
    check = checks(facts(risky, repeats=Repeats(last=past_run())))["repetition"]
    assert (check.verdict, check.cause) == (
        CheckVerdict.WARNING,
        "Running it again is risky: it sends e-mails.",
    )
    nothing = past_run(state=RunState.FAILED, counts={"failed": 3})
    assert checks(facts(risky, repeats=Repeats(last=nothing)))["repetition"].verdict is CheckVerdict.OK


@pytest.mark.parametrize("counts", [{"created": 1}, {"unknown": 1}])
def test_a_risky_job_that_failed_half_way_is_a_warning(counts: dict[str, int]) -> None:
    risky = entry(safe_to_repeat=False, repeat="it sends e-mails")
    run = past_run(state=RunState.PARTIALLY_FAILED, counts=counts)
    assert checks(facts(risky, repeats=Repeats(last=run)))["repetition"].verdict is CheckVerdict.WARNING


def test_a_doubt_outweighs_a_run_under_way_and_that_the_last_one() -> None:
    running = past_run(state=RunState.RUNNING, finished_at=None)
    doubt = DoubtfulRun(
        run_id=RUN, finished_at=NOW - timedelta(days=2), in_doubt=[DoubtfulEffect(effect="send:a", cause="?")]
    )
    both = Repeats(under_way=[running], last=past_run())
    assert checks(facts(repeats=both))["repetition"].code == "under_way"
    check = checks(facts(repeats=both.model_copy(update={"in_doubt": [doubt]})))["repetition"]
    assert check.code == "effect_in_doubt"
    assert "send:a" in check.words
    assert "2 days ago" in check.words


def test_what_cannot_be_found_out_is_unknown_with_its_reason() -> None:
    found = facts(repeats=None, repeats_unknown=GONE, probed=None, probes_unknown=GONE)
    for name in ("repetition", "system", "location"):
        check = checks(found)[name]
        assert (check.verdict, check.code, check.cause) == (
            CheckVerdict.UNKNOWN, "service_unavailable", "it is not running",
        )  # fmt: skip
    assert may_start(check_all(found))
    without = checks(facts(probed={"ecb": probed("ecb", CheckVerdict.UNKNOWN, words="no probe")}))
    assert (without["system"].verdict, without["system"].cause) == (CheckVerdict.UNKNOWN, "no probe")


def test_a_missing_role_is_named_and_nothing_else_is_looked_at() -> None:
    found = facts(role_missing=True, repeats=None, probed=None)
    check = checks(found)["permission"]
    assert (check.verdict, check.cause) == (CheckVerdict.REFUSED, "You lack the role accounting.")
    assert {checks(found)[name].code for name in ("repetition", "system", "location")} == {"not_looked_at"}
    assert not may_start(check_all(found))


def test_wrong_parameters_are_named() -> None:
    wrong = [WrongField(field="parameters.dya", message="unknown, did you mean day?", suggestion="day")]
    check = checks(facts(wrong=wrong, repeats=None))["parameters"]
    assert (check.verdict, check.words) == (CheckVerdict.REFUSED, "To correct: dya.")
    assert check.cause == "dya: unknown, did you mean day?"
    assert check.data["errors"] == [wrong[0].model_dump()]


def test_a_service_that_is_away_or_in_trouble_is_a_warning() -> None:
    assert checks(facts(instances=[]))["service"].code == "service_not_running"
    trouble = Instance(service="bank", instance="h:1", ready=False, trouble=GONE)
    assert checks(facts(instances=[trouble]))["service"].cause == "it is not running"
    assert checks(facts(instances=[trouble, WORKER]))["service"].verdict is CheckVerdict.OK


def test_a_dry_run_needs_no_location_and_can_be_repeated() -> None:
    dry = entry(dry_run=True, safe_to_repeat=False, danger=Danger.EXTERNAL_BOOKING)
    found = checks(facts(dry, dry_run=True, repeats=None))
    assert found["repetition"].code == "dry_run"
    assert found["location"].code == "dry_run"
    assert checks(facts(dry_run=True))["parameters"].code == "dry_run_not_supported"
    assert effect_of(facts(dry, dry_run=True).wanted).words.startswith("Writes nothing.")


def test_the_effect_names_the_danger_and_as_whom_it_works() -> None:
    job = entry(danger=Danger.DESTRUCTIVE, runs_as="service-nightly")
    effect = effect_of(facts(job).wanted)
    assert (effect.principal, effect.effective_principal, effect.elevates) == ("ada", "service-nightly", True)
    assert "on behalf of ada, for client alpha" in effect.words
    assert "cannot be taken back" in effect.words


def test_parameters_are_looked_for_in_every_way_to_write_them() -> None:
    schema = {"properties": {"source": {"default": "both"}, "day": {"default": None}, "n": {}}}
    assert ways_to_write(schema, {"source": "both", "n": 1}) == [
        {"source": "both", "n": 1}, {"n": 1}, {"source": "both", "day": None, "n": 1},
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("value", "english"),
    [
        (1234567, "1,234,567"),
        (True, "yes"),
        (Told("as it is"), "as it is"),
        (RunState.PARTIALLY_FAILED, "partially failed"),
        ({"created": 1200, "failed": 1}, "1,200 created, 1 failed"),
        (["a", "b"], "a, b"),
        (RUN, str(RUN)),
        (NOW, "2026-03-01 15:00 UTC"),
        (NOW.date(), "2026-03-01"),
        (Ago(NOW - timedelta(seconds=59), NOW), "a moment ago"),
        (Ago(NOW - timedelta(hours=1), NOW), "1 hour ago"),
        (Ago(NOW + timedelta(seconds=5), NOW), "a moment ago"),
    ],
)
def test_values_are_written_in_english(value: Any, english: str) -> None:
    assert Saying.of("%(value)s", value=value).english() == english
