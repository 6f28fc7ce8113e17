"""What the page of systems shows, without a bus."""

from typing import Any

from services.gateway.pages.systems import systems_view
from services.gateway.routes.systems import SystemState
from shared.events import now
from shared.words import CheckVerdict


def state(name: str, kind: Any = "system", verdict: CheckVerdict = CheckVerdict.OK) -> SystemState:
    client = "alpha" if kind == "location" else None
    return SystemState(
        name=name,
        kind=kind,
        service="lab",
        jobs=[],
        verdict=verdict,
        words="",
        checked_at=now(),
        client=client,
    )


def test_what_is_not_good_comes_first_in_its_section() -> None:
    view = systems_view(
        [state("a"), state("b", verdict=CheckVerdict.WARNING), state("c", "service"), state("d", "location")]
    )
    assert [(s.kind, [one.name for one in s.states]) for s in view.sections] == [
        ("system", ["b", "a"]),
        ("service", ["c"]),
        ("location", ["d"]),
    ]
    assert (view.trouble, view.total, view.client) == (1, 4, "alpha")


def test_nothing_has_no_sections() -> None:
    view = systems_view([])
    assert (view.sections, view.trouble, view.client) == ([], 0, None)
