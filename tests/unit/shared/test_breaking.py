"""When a circuit breaker opens, tries again and closes."""

from datetime import UTC, datetime, timedelta

from shared.clients.breaking import FAILURES, LONGEST_PAUSE, PAUSE, TRY_WITHIN, Circuit
from shared.words import BreakerState

BEGIN = datetime(2026, 3, 2, 4, 0, tzinfo=UTC)
#: The chance that neither shortens nor lengthens a pause.
EVEN = 0.5


def at(seconds: float) -> datetime:
    return BEGIN + timedelta(seconds=seconds)


def failing(times: int) -> Circuit:
    circuit = Circuit(last_success=at(-60))
    for second in range(times):
        circuit = circuit.failed(at(second), at(second), f"no connection {second}", EVEN)
    return circuit


def test_it_opens_after_failures_in_a_row_and_says_since_when_and_why() -> None:
    assert failing(FAILURES - 1).state(at(60)) is BreakerState.CLOSED
    opened = failing(FAILURES)
    last = at(FAILURES - 1)
    assert (opened.state(last), opened.opened_at, opened.failing_since) == (BreakerState.OPEN, last, BEGIN)
    assert (opened.last_error, opened.last_success) == ("no connection 4", at(-60))
    assert opened.next_try == last + PAUSE
    assert not opened.admits(last)


def test_a_success_in_between_begins_anew() -> None:
    assert failing(FAILURES - 1).succeeded(at(9)) == Circuit(last_success=at(9))


def test_what_is_known_is_not_written_again_within_a_minute() -> None:
    known = Circuit(last_success=at(0))
    assert known.succeeded(at(30)) is known
    assert known.succeeded(at(61)).last_success == at(61)


def test_after_the_pause_one_call_tries_and_the_others_wait_for_it() -> None:
    opened = failing(FAILURES)
    assert opened.next_try is not None
    due = opened.next_try
    assert (opened.state(due), opened.admits(due)) == (BreakerState.HALF_OPEN, True)
    trying = opened.tried(due)
    assert not trying.admits(due + timedelta(seconds=1))
    assert trying.waits_until() == due + TRY_WITHIN
    # Whoever tried was killed.
    assert trying.admits(due + TRY_WITHIN)
    assert trying.succeeded(due).state(due) is BreakerState.CLOSED


def test_each_try_in_vain_doubles_the_pause_up_to_the_longest() -> None:
    circuit, pauses = failing(FAILURES), []
    for _ in range(8):
        assert circuit.next_try is not None
        due = circuit.next_try
        circuit = circuit.tried(due).failed(due, due, "still away", EVEN)
        assert circuit.next_try is not None
        pauses.append(circuit.next_try - due)
    assert pauses[:3] == [PAUSE * 2, PAUSE * 4, PAUSE * 8]
    assert pauses[-1] == LONGEST_PAUSE
    assert circuit.opened_at == at(FAILURES - 1)


def test_calls_that_were_under_way_when_it_opened_lengthen_nothing() -> None:
    opened = failing(FAILURES)
    assert opened.failed(at(9), at(1), "late", EVEN).next_try == opened.next_try


def test_pauses_are_spread_by_chance() -> None:
    four = failing(FAILURES - 1)
    found = {four.failed(at(9), at(9), "away", chance).next_try for chance in (0.0, EVEN, 1.0)}
    assert found == {at(9) + PAUSE * factor for factor in (0.8, 1.0, 1.2)}
