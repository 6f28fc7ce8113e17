"""The one access check: levels, roles, clients, and that less never allows more."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from shared.access import (
    ADMINISTRATOR,
    EVERY_CLIENT,
    TECHNICAL,
    Access,
    AccessDecision,
    Action,
    Principal,
    Verdict,
    decide_access,
    may_operate_platform,
)
from shared.words import Level

ROLES = [ADMINISTRATOR, TECHNICAL, "clerk", "desk-viewer", "other-viewer"]
CLIENTS = [EVERY_CLIENT, "alpha", "beta"]


def principal(*roles: str, clients: tuple[str, ...] = ("alpha",), active: bool = True) -> Principal:
    return Principal(id="ada", name="Ada", roles=frozenset(roles), clients=frozenset(clients), active=active)


def access(level: Level) -> Access:
    return Access(module="desk", level=level, roles=frozenset({"clerk"}))


def decide(
    who: Principal, level: Level, action: Action = Action.SEE, client: str | None = None
) -> AccessDecision:
    return decide_access(who, access(level), action, client)


@pytest.mark.parametrize(
    ("level", "role", "see", "start"),
    [
        (Level.GENERAL, None, "allowed", "forbidden"),
        (Level.GENERAL, "clerk", "allowed", "allowed"),
        (Level.OPERATIONAL, None, "not_visible", "not_visible"),
        (Level.OPERATIONAL, "desk-viewer", "allowed", "forbidden"),
        (Level.OPERATIONAL, "other-viewer", "not_visible", "not_visible"),
        (Level.OPERATIONAL, "clerk", "allowed", "allowed"),
        (Level.OPERATIONAL, TECHNICAL, "not_visible", "not_visible"),
        (Level.TECHNICAL, "desk-viewer", "not_visible", "not_visible"),
        (Level.TECHNICAL, TECHNICAL, "allowed", "forbidden"),
        (Level.TECHNICAL, "clerk", "allowed", "allowed"),
        (Level.TECHNICAL, ADMINISTRATOR, "allowed", "allowed"),
    ],
)
def test_level_and_role_decide_what_is_seen_and_started(
    level: Level, role: str | None, see: str, start: str
) -> None:
    who = principal(*([role] if role else []))
    assert decide(who, level).verdict == see
    assert decide(who, level, Action.START).verdict == start


def test_a_refusal_names_the_role_that_is_missing() -> None:
    reason = decide(principal(), Level.GENERAL, Action.START).reason
    assert "ada lacks the role clerk" in reason
    assert "module desk" in reason


def test_a_job_for_a_client_that_is_not_mine_is_not_there() -> None:
    for roles in (("clerk",), (ADMINISTRATOR,)):
        who = principal(*roles)
        assert decide(who, Level.GENERAL, Action.START, "alpha").allowed
        assert decide(who, Level.GENERAL, Action.START, "beta").verdict is Verdict.NOT_VISIBLE
    everywhere = principal("clerk", clients=(EVERY_CLIENT,))
    assert decide(everywhere, Level.GENERAL, Action.START, "beta").allowed


def test_a_deactivated_principal_sees_nothing() -> None:
    who = principal(ADMINISTRATOR, clients=(EVERY_CLIENT,), active=False)
    assert decide(who, Level.GENERAL).verdict is Verdict.NOT_VISIBLE
    assert not may_operate_platform(who)


def test_the_platform_is_for_technical_administrators() -> None:
    assert may_operate_platform(principal(TECHNICAL))
    assert may_operate_platform(principal(ADMINISTRATOR))
    assert not may_operate_platform(principal("clerk", "desk-viewer"))


@given(
    st.sets(st.sampled_from(ROLES)), st.sets(st.sampled_from(CLIENTS)), st.sampled_from(Level),
    st.sampled_from(["alpha", "beta", None]),
)  # fmt: skip
def test_what_may_be_started_may_be_seen_and_more_roles_never_take_away(
    roles: set[str], clients: set[str], level: Level, client: str | None
) -> None:
    who = principal(*roles, clients=tuple(clients))
    start = decide(who, level, Action.START, client)
    see = decide(who, level, Action.SEE, client)
    if start.allowed:
        assert see.allowed
    assert (start.verdict is Verdict.NOT_VISIBLE) == (see.verdict is Verdict.NOT_VISIBLE)
    for more in ROLES:
        richer = principal(*roles, more, clients=tuple(clients))
        if start.allowed:
            assert decide(richer, level, Action.START, client).allowed
        if see.allowed:
            assert decide(richer, level, Action.SEE, client).allowed
    assert start.reason


@pytest.mark.parametrize("id", ["", "Ada", "a b", "../x", "a/b", "a" * 64, "ä"])
def test_an_id_that_could_not_be_a_key_is_refused(id: str) -> None:
    with pytest.raises(ValidationError):
        Principal(id=id, name="x")


def test_a_job_without_a_role_is_refused() -> None:
    with pytest.raises(ValidationError):
        Access(module="desk", level=Level.GENERAL, roles=frozenset())
