"""What the pages of accounts show, without a bus."""

from services.gateway.pages.users.page import found_in, why_fixed
from services.gateway.pages.users.roles import Role, roles_view
from shared.access import ADMINISTRATOR, TECHNICAL, Access, Principal
from shared.words import Level
from tests.unit.gateway.pages.jobs import entry

GENERAL = entry("desk.open", access=Access(module="desk", level=Level.GENERAL, roles=frozenset({"clerk"})))
OPERATIONAL = entry(
    "bank.load", access=Access(module="bank", level=Level.OPERATIONAL, roles=frozenset({"accounting"}))
)
HIDDEN = entry(
    "desk.tidy", access=Access(module="desk", level=Level.TECHNICAL, roles=frozenset({"technical"}))
)
JOBS = [GENERAL, OPERATIONAL, HIDDEN]


def roles(**changes: object) -> dict[str, Role]:
    given = {"jobs": JOBS, "visible": JOBS, "own": {}, **changes}
    return {role.name: role for role in roles_view(**given)}  # type: ignore[arg-type]


def ids(jobs: object) -> list[str]:
    return [job.id for job in jobs]  # type: ignore[attr-defined]


def test_each_role_tells_which_jobs_it_opens() -> None:
    found = roles()
    assert list(found) == [ADMINISTRATOR, TECHNICAL, "accounting", "approvals-viewer", "bank-viewer", "clerk"]
    assert ids(found[ADMINISTRATOR].starts) == ["desk.open", "bank.load", "desk.tidy"]
    assert ids(found[TECHNICAL].starts) == ["desk.tidy"]
    assert ids(found["clerk"].starts) == ["desk.open"]
    assert (ids(found["bank-viewer"].starts), ids(found["bank-viewer"].sees)) == ([], ["bank.load"])


def test_jobs_that_the_reader_may_not_see_are_not_told() -> None:
    found = roles(visible=[GENERAL])
    assert ids(found[ADMINISTRATOR].starts) == ["desk.open"]
    assert ids(found["accounting"].starts) == []


def test_roles_of_the_installation_stand_for_others_and_unknown_ones_for_nothing() -> None:
    found = roles(own={"bookkeeper": frozenset({"clerk", "bank-viewer"})}, given=["gone"])
    assert found["bookkeeper"].stands_for == ["bank-viewer", "clerk"]
    assert ids(found["bookkeeper"].starts) == ["desk.open"]
    assert ids(found["bookkeeper"].sees) == ["bank.load"]
    assert found["gone"].meaning == "No job asks for this role."
    assert (found["gone"].starts, found["gone"].sees) == ([], [])


def test_accounts_are_found_by_name_role_and_client() -> None:
    bea = Principal(id="bea", name="Bea Bühler", roles=frozenset({"accounting"}), clients=frozenset({"ag"}))
    tim = Principal(id="tim", name="Tim")
    assert found_in([bea, tim], "BÜHLER account ag") == [bea]
    assert found_in([bea, tim], " ") == [bea, tim]
    assert found_in([bea, tim], "nobody") == []


def test_nobody_changes_who_may_do_more() -> None:
    every = frozenset({"*"})
    admin = Principal(id="root", name="Root", roles=frozenset({ADMINISTRATOR}), clients=every)
    tech = Principal(id="tech", name="Tech", roles=frozenset({TECHNICAL}), clients=frozenset({"ag"}))
    assert why_fixed(tech, admin, None)
    assert why_fixed(tech, Principal(id="x", name="X", clients=frozenset({"other"})), None)
    assert why_fixed(tech, Principal(id="x", name="X", clients=frozenset({"ag"})), None) is None
    assert why_fixed(admin, tech, None) is None
    assert "owns the machine" in (why_fixed(admin, admin, "root") or "")
