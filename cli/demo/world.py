"""What lies outside of Tagwerk on the tour."""

from dataclasses import dataclass
from pathlib import Path

from cli.demo.post import PostOffice


@dataclass(frozen=True, slots=True)
class World:
    #: As whom and where a machine sends messages; None where the stack takes none.
    machine: str | None
    #: As whom and where the agent connects; None where the stack knows none.
    agent: str | None
    #: The folder of the customer's network.
    office: Path
    #: The post office that the stack knows, if it knows one.
    post: PostOffice | None
