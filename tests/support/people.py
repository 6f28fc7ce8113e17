"""A gateway that knows some people, for tests of a service that asks for them."""

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any

import nats
from nats.aio.client import Client
from nats.aio.msg import Msg

from shared import subjects
from shared.access import Principal
from shared.commands import Contact, People, PeopleQuery, Person, Reply


def person(id: str, *roles: str, client: str = "acme", **contact: Any) -> Person:
    """With a mail address, unless `email` says another, or None."""
    principal = Principal(
        id=id, name=id.title(), roles=frozenset(roles or ("accounting",)), clients=frozenset({client})
    )
    return Person(principal=principal, contact=Contact(**{"email": f"{id}@example.com", **contact}))


async def answer_people(connection: Client, people: Callable[[str], Sequence[Person]]) -> None:
    """Answer as the gateway does, until the connection is closed; `people` are those of a client."""

    async def answer(message: Msg) -> None:
        client = PeopleQuery.model_validate_json(message.data).client
        reply = Reply(data=People(items=list(people(client))))
        await message.respond(reply.model_dump_json(serialize_as_any=True).encode())

    await connection.subscribe(subjects.query("gateway", "people"), cb=answer)
    await connection.flush()


@asynccontextmanager
async def known_people(bus_url: str, people: Sequence[Person]) -> AsyncIterator[None]:
    """Nobody else, as long as it is open."""
    connection = await nats.connect(bus_url)
    await answer_people(
        connection, lambda client: [one for one in people if one.principal.may_act_for(client)]
    )
    try:
        yield
    finally:
        await connection.close()
