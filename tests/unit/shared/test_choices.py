"""A parameter says where its values come from, and a service that does not know the source does not start."""

from collections.abc import AsyncIterator, Sequence
from typing import Annotated

import pytest
from pydantic import Field

from shared.access import Access
from shared.choices import ChosenFrom, LiveChoices, containing, sources_of
from shared.commands import Choice, ChoicesQuery
from shared.errors import TagwerkError
from shared.events import Record
from shared.jobs import JobRefused, Retry, Safe, collect, job, minutes
from shared.words import Kind, Level


@job(
    "lab.pay",
    title="Pay",
    kind=Kind.INTEGRATION,
    owner="Tests",
    access=Access(module="lab", level=Level.GENERAL, roles=frozenset({"tester"})),
    expected_runtime=minutes(1),
    retry=Retry(attempts=1),
    repeat=Safe("it does nothing"),
    output="nothing",
    expected_result="nothing",
    logs="none",
    troubleshooting="docs/jobs/none.md",
)
async def pay(
    account: Annotated[str | None, ChosenFrom("account"), Field(max_length=42, description="IBAN")] = None,
    documents: Annotated[list[str], ChosenFrom("document")] = [],  # noqa: B006
    count: int = 1,
) -> AsyncIterator[Record]:
    """Do nothing."""
    return
    yield


def test_the_schema_tells_the_source_of_each_parameter() -> None:
    schema = pay.parameters_schema()
    assert sources_of(schema) == {"account": "account", "documents": "document"}
    assert schema["properties"]["account"]["description"] == "IBAN"
    assert schema["properties"]["account"]["default"] is None


def test_a_source_that_nobody_answers_is_refused_at_the_start() -> None:
    with pytest.raises(JobRefused, match="answers the choices document of its parameter documents"):
        collect("lab", [pay], [], choices=["account"])
    assert collect("lab", [pay], [], choices=["account", "document"])


async def test_choices_are_cut_at_the_limit_and_it_is_said() -> None:
    async def source(query: ChoicesQuery) -> Sequence[Choice]:
        return containing([Choice(value=str(n), label=f"Number {n}") for n in range(20)], query.text)

    live = LiveChoices({"numbers": source})
    page = await live.answer(ChoicesQuery(source="numbers", client="main", limit=3))
    assert ([one.value for one in page.items], page.more) == (["0", "1", "2"], True)
    page = await live.answer(ChoicesQuery(source="numbers", client="main", text="NUMBER 7"))
    assert ([one.value for one in page.items], page.more) == (["7"], False)
    with pytest.raises(TagwerkError) as unknown:
        await live.answer(ChoicesQuery(source="letters", client="main"))
    assert unknown.value.failure.code == "choices_unknown"
