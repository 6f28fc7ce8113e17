"""Every route of the gateway, and who may come in there, as the application itself declares it."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Annotated, Any, get_args, get_origin, get_type_hints

from fastapi import params

from services.gateway.app import application
from services.gateway.context import asking


@dataclass(frozen=True)
class RouteFacts:
    method: str
    path: str
    #: What a token has to allow; empty: everything; None: the route asks nobody who they are.
    scopes: tuple[str, ...] | None

    @property
    def name(self) -> tuple[str, str]:
        return self.method, self.path


def every_route() -> list[RouteFacts]:
    """API and pages, each method on its own; the framework's own document of the API is left out."""
    found = [
        RouteFacts(method, route.path, scopes_of(route.endpoint))
        for route in _walk(application().routes)
        for method in route.methods - {"HEAD"}
    ]
    assert len({facts.name for facts in found}) == len(found) > 50
    return sorted(found, key=lambda facts: facts.name)


def _walk(routes: list[Any]) -> Iterator[Any]:
    for route in routes:
        if hasattr(route, "effective_candidates"):
            yield from _walk(route.effective_candidates())
        elif getattr(route, "path", None) != "/openapi.json":
            yield route


def scopes_of(function: Callable[..., Any]) -> tuple[str, ...] | None:
    """What the dependencies of a route, and theirs, ask of a token."""
    for hint in get_type_hints(function, include_extras=True).values():
        if get_origin(hint) is not Annotated:
            continue
        for dependency in get_args(hint)[1:]:
            if not isinstance(dependency, params.Depends) or dependency.dependency is None:
                continue
            if dependency.dependency is asking:
                assert isinstance(dependency, params.Security), function
                return tuple(dependency.scopes or ())
            inner = scopes_of(dependency.dependency)
            if inner is not None:
                return inner
    return None
