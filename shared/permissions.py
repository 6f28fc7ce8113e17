"""What each service's user may do on the bus: made of its declaration and of `shared.subjects`.

Allow lists, no deny lists: a subject that nobody thought of is refused. Answers go to whoever asked, which
the server allows for each message that came with a reply subject. A stream is read by ranges, and the filter
stands in the request and not in its subject: who may read a stream may read all of it. What may be published
is exact, as far as the server looks: docs/adr/0031 tells of replies.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from shared import subjects
from shared.declaration import Declaration
from shared.feed import feed_names

_API: Final = "$JS.API"


@dataclass(frozen=True, slots=True)
class Permissions:
    """Filters of subjects, as nats-server takes them."""

    publish: tuple[str, ...]
    subscribe: tuple[str, ...]


def inbox_prefix(service: str) -> str:
    """Below which a service's answers come in, and nobody else's; permissions know whole tokens only."""
    return f"_INBOX_{service}"


def permissions_of(declaration: Declaration) -> Permissions:
    """Exactly what the service needs."""
    return Permissions(
        tuple(sorted(set(_publishes(declaration)))), tuple(sorted(set(_subscribes(declaration))))
    )


def _publishes(declaration: Declaration) -> Iterable[str]:
    name, use = declaration.name, declaration.bus
    yield "audit.*"
    # Its health check asks as the service itself.
    yield subjects.health(name)
    yield f"$KV.{subjects.CATALOGUE}.{name}.*"
    for bucket in (subjects.CATALOGUE, subjects.PRINCIPALS):
        yield f"{_API}.DIRECT.GET.KV_{bucket}"
    if declaration.jobs:
        # Runs that its jobs are, from the event that starts one to their end.
        yield f"run.{name}.*.*.*.requested"
        yield f"run.{name}.*.*.attempt_failed.*"
        yield f"run.{name}.*.*.ev"
        yield f"{_API}.DIRECT.GET.{subjects.RUNS}"
    if any(job.systems for job in declaration.jobs):
        # That one does not answer, and that it does again.
        yield from ("event.system.unreachable", "event.system.reachable")
    for durable in declaration.all_durables():
        yield f"{_API}.CONSUMER.MSG.NEXT.{durable.stream}.{durable.name}"
        yield f"{_API}.CONSUMER.INFO.{durable.stream}.{durable.name}"
        yield f"$JS.ACK.{durable.stream}.{durable.name}.>"
        yield subjects.dead(durable.name)
    for job in use.starts:
        yield f"run.{job}.*.*.requested"
        yield f"{_API}.DIRECT.GET.{subjects.RUNS}"
    for stream in use.reads:
        yield f"{_API}.DIRECT.GET.{stream}"
        yield f"{_API}.STREAM.INFO.{stream}"
    for reader, stream in use.follows:
        yield f"{_API}.STREAM.INFO.{stream}"
        yield f"{_API}.DIRECT.GET.{stream}"
        for consumer in feed_names(reader):
            yield f"{_API}.CONSUMER.CREATE.{stream}.{consumer}"
            yield f"{_API}.CONSUMER.MSG.NEXT.{stream}.{consumer}"
            yield f"{_API}.CONSUMER.DELETE.{stream}.{consumer}"
            # Nothing is acknowledged there. Without it the server takes each message for a question and
            # keeps in mind that it may be answered: 200 bytes each, all looked through again and again.
            yield f"$JS.ACK.{stream}.{consumer}.>"
    yield from use.tells
    yield from use.asks
    yield from use.publishes
    yield from (f"{_API}.{request}" for request in use.manages)
    yield from (subjects.dead(work) for work in use.buries)


def _subscribes(declaration: Declaration) -> Iterable[str]:
    name = declaration.name
    yield f"{inbox_prefix(name)}.>"
    yield subjects.health(name)
    yield subjects.query(name, "*")
    yield subjects.command(name, "*")
    if declaration.jobs:
        yield subjects.cancel_watch(name)
    yield from declaration.bus.hears
