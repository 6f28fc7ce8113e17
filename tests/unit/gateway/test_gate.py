"""Which jobs somebody sees: remembered for each set of roles, as long as the catalogue stays the same."""

from typing import Any, cast

from services.gateway.gate import Gate
from services.gateway.identity.asker import Asker
from shared.access import ADMINISTRATOR
from shared.jobs import CatalogueEntry
from shared.words import Level
from tests.unit.gateway.test_core import entry, principal


class Catalogue:
    """What a bucket gives: the same dictionary as long as nothing has changed."""

    def __init__(self, *entries: CatalogueEntry) -> None:
        self.put(*entries)

    def put(self, *entries: CatalogueEntry) -> None:
        self._entries = {one.id: one for one in entries}

    async def all(self) -> dict[str, CatalogueEntry]:
        return self._entries


async def test_the_scope_of_a_query_holds_the_jobs_that_the_roles_let_see() -> None:
    hidden = entry("desk.b", "engineer", level=Level.TECHNICAL)
    catalogue = Catalogue(hidden, entry("desk.a", "clerk"))
    gate = Gate(cast(Any, None), cast(Any, catalogue))

    async def seen(**who: Any) -> list[str]:
        asker = principal(**who)
        scope = (await gate.scope(asker))["scope"].jobs
        jobs = [one.id for one in await gate.visible_jobs(asker)]
        assert scope is None or scope == set(jobs)
        return jobs

    for _ in range(2):
        assert await seen() == ["desk.a"]
        assert await seen(roles={"engineer"}) == ["desk.a", "desk.b"]
        assert await seen(roles={ADMINISTRATOR}) == ["desk.a", "desk.b"]
        away = principal(roles={ADMINISTRATOR}).model_copy(update={"active": False})
        assert await gate.visible_jobs(away) == []

    limited = Asker.of(principal(roles={"engineer"}), jobs=frozenset({"desk.b", "desk.c"}))
    assert [one.id for one in await gate.visible_jobs(limited)] == ["desk.b"]
    assert (await gate.scope(limited))["scope"].jobs == {"desk.b"}

    # The catalogue has changed: a job is hidden from now on, and there is a new one.
    catalogue.put(hidden, entry("desk.a", "clerk", level=Level.TECHNICAL), entry("desk.c", "clerk"))
    assert await seen() == ["desk.c"]
    assert await seen(roles={"clerk"}) == ["desk.a", "desk.c"]
