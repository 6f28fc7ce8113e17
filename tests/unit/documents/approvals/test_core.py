"""The state machine of an approval: whatever people do in whatever order, some things never happen."""

from collections.abc import Callable
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.documents.approvals import core
from services.documents.approvals.core import Move, Standing
from services.documents.approvals.rules import Demand
from shared.errors import TagwerkError
from shared.words import ApprovalState, StepKind

PEOPLE = st.sampled_from(["ada", "bea", "cyd"])
VERSIONS = st.sampled_from(["v1", "v2"])
DEMANDS = st.builds(
    Demand,
    rule=st.sampled_from(["small", "large"]),
    role=st.sampled_from(["accounting", "management"]),
    approvals=st.integers(1, 3),
    due=st.just(date(2026, 3, 26)),
)
Act = Callable[[Standing], Move]


def acts() -> st.SearchStrategy[tuple[str, Act]]:
    """What may be tried, at any time."""
    return st.one_of(
        PEOPLE.map(lambda who: ("approve", lambda s: core.approve(s, who, None))),
        PEOPLE.map(lambda who: ("reject", lambda s: core.reject(s, who, "no"))),
        PEOPLE.map(lambda who: ("withdraw", lambda s: core.withdraw(s, who, "oops"))),
        PEOPLE.map(lambda who: ("ask", lambda s: core.ask(s, who, "why?"))),
        PEOPLE.map(lambda who: ("answer", lambda s: core.answer(s, who, "so"))),
        st.tuples(VERSIONS, DEMANDS).map(
            lambda new: ("follow", lambda s: core.follow(s, *new, "uma", "analysed again"))
        ),
        st.tuples(VERSIONS, DEMANDS).map(
            lambda new: ("reopen", lambda s: core.reopen(s, *new, "bank", "refused"))
        ),
    )


def attempt(standing: Standing, act: Act) -> Move | None:
    try:
        return act(standing)
    except TagwerkError:
        return None


@given(DEMANDS, st.lists(acts(), max_size=25))
def test_whatever_is_tried_an_approval_is_what_so_many_different_people_said_of_its_values(
    demand: Demand, tried: list[tuple[str, Act]]
) -> None:
    standing = core.request("v1", demand, "uma").standing
    said: set[tuple[str, str]] = set()
    for name, act in tried:
        before = standing
        move = attempt(standing, act)
        if move is None:
            continue
        standing = move.standing
        assert move.changed == (standing != before)
        if name == "approve" and move.changed:
            said.add((standing.approved_by[-1], standing.version))
        assert len(set(standing.approved_by)) == len(standing.approved_by)
        assert all((who, standing.version) in said for who in standing.approved_by)
        enough = len(standing.approved_by) >= standing.demand.approvals
        assert (standing.state is ApprovalState.APPROVED) == enough
        ended = before.state in (ApprovalState.APPROVED, ApprovalState.REJECTED)
        if ended and name not in ("reopen", "withdraw"):
            assert standing == before, "what has ended never changes by itself"
        assert (standing.state is ApprovalState.QUESTIONED) == (standing.question is not None)


@given(DEMANDS, st.lists(acts(), max_size=12), acts())
def test_the_same_step_again_changes_nothing(
    demand: Demand, tried: list[tuple[str, Act]], last: tuple[str, Act]
) -> None:
    standing = core.request("v1", demand, "uma").standing
    for _, act in tried:
        move = attempt(standing, act)
        standing = move.standing if move is not None else standing
    first = attempt(standing, last[1])
    if first is not None:
        again = last[1](first.standing)
        assert (again.standing, list(again.steps)) == (first.standing, [])


def waiting(approvals: int = 2) -> Standing:
    demand = Demand("large", "accounting", approvals, date(2026, 3, 26))
    return core.request("v1", demand, "uma").standing


def test_an_open_question_has_to_be_answered_before_anybody_approves() -> None:
    asked = core.ask(waiting(), "ada", "why?").standing
    with pytest.raises(TagwerkError) as caught:
        core.approve(asked, "bea", None)
    assert caught.value.failure.code == "question_open"
    assert "ada asked: why?" in caught.value.failure.cause
    answered = core.answer(asked, "uma", "so").standing
    assert core.approve(answered, "bea", None).changed


def test_other_values_void_what_was_approved() -> None:
    one = core.approve(waiting(), "ada", None).standing
    moved = core.follow(one, "v2", one.demand, "uma", "analysed again")
    assert [step.kind for step in moved.steps] == [StepKind.CHANGED, StepKind.VOIDED]
    assert moved.standing.approved_by == ()


def test_another_due_date_alone_asks_nobody_again() -> None:
    one = core.approve(waiting(), "ada", None).standing
    later = Demand("large", "accounting", 2, date(2026, 4, 1))
    assert not core.follow(one, "v1", later, "uma", "analysed again").changed


def test_an_approved_invoice_cannot_be_corrected_and_every_other_one_can() -> None:
    approved = core.approve(waiting(1), "ada", None).standing
    with pytest.raises(TagwerkError) as caught:
        core.expect_correctable(approved)
    assert caught.value.failure.code == "invoice_approved"
    core.expect_correctable(None)
    core.expect_correctable(waiting())
    core.expect_correctable(core.reject(waiting(), "ada", "no").standing)
    core.expect_correctable(core.reopen(approved, "v1", approved.demand, "bank", "refused").standing)


def test_an_approval_that_is_taken_back_leaves_those_of_others_and_is_seen_by_whoever_approves_next() -> None:
    one = core.approve(waiting(), "ada", None).standing
    both = core.approve(one, "bea", None).standing
    move = core.withdraw(both, "ada", "the wrong one")
    assert (move.standing.state, move.standing.approved_by) == (ApprovalState.WAITING, ("bea",))
    assert [(step.kind, step.words) for step in move.steps] == [
        (StepKind.WITHDRAWN, "withdrew the own approval: the wrong one")
    ]
    assert move.standing.shown_version != both.shown_version
    assert core.approve(move.standing, "cyd", None).standing.state is ApprovalState.APPROVED


def test_nobody_takes_back_what_is_not_theirs_or_does_not_count() -> None:
    one = core.approve(waiting(), "ada", None).standing
    for standing, who in ((one, "bea"), (core.reject(one, "bea", "no").standing, "ada"), (waiting(), "ada")):
        with pytest.raises(TagwerkError) as caught:
            core.withdraw(standing, who, "oops")
        assert caught.value.failure.code == "not_approved_by_you"


def test_a_question_stays_open_when_an_approval_is_taken_back() -> None:
    one = core.approve(waiting(), "ada", None).standing
    asked = core.ask(one, "bea", "why?").standing
    move = core.withdraw(asked, "ada", "oops").standing
    assert (move.state, move.question, move.approved_by) == (ApprovalState.QUESTIONED, "why?", ())
