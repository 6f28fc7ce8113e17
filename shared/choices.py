"""Values of parameters that come from live data: said by a job, answered by its service.

    account: Annotated[str | None, ChosenFrom("account"), Field(description="…")] = None

The JSON Schema of the parameter then says `x-choices: account`, and the service gives the source a function.
Any other value that the schema allows stays allowed: choices help, and do not check.
"""

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from pydantic import GetJsonSchemaHandler
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema

from shared.commands import Choice, ChoicesPage, ChoicesQuery
from shared.errors import TagwerkError

#: The keyword of the JSON Schema.
KEYWORD: Final = "x-choices"

#: Answers with at most `limit` + 1 choices for the client, the most likely first.
Source = Callable[[ChoicesQuery], Awaitable[Sequence[Choice]]]


@dataclass(frozen=True, slots=True)
class ChosenFrom:
    """Says in `Annotated` from which source the values of a parameter come."""

    source: str

    def __get_pydantic_json_schema__(
        self, core_schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        return {**handler(core_schema), KEYWORD: self.source}


def sources_of(schema: Mapping[str, Any]) -> dict[str, str]:
    """Parameter -> source, of those parameters of a job (JSON Schema) that have one."""
    return {name: field[KEYWORD] for name, field in schema.get("properties", {}).items() if KEYWORD in field}


def containing(choices: Iterable[Choice], text: str | None) -> list[Choice]:
    """Those in which the text stands, in whatever case."""
    wanted = (text or "").casefold()
    return [
        choice
        for choice in choices
        if wanted in f"{choice.value}\n{choice.label}\n{choice.detail or ''}".casefold()
    ]


class LiveChoices:
    """The sources of one service."""

    def __init__(self, sources: Mapping[str, Source]) -> None:
        self._sources = sources

    async def answer(self, query: ChoicesQuery) -> ChoicesPage:
        """Raises `choices_unknown`."""
        source = self._sources.get(query.source)
        if source is None:
            raise TagwerkError(
                "choices_unknown",
                f"nothing is known of the source {query.source}",
                concern=query.source,
                next_step="Type the value; the service that offers the job may be older than its catalogue.",
            )
        found = list(await source(query))
        return ChoicesPage(items=found[: query.limit], more=len(found) > query.limit)
