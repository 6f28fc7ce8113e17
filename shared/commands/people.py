"""People, as those who write to them need to know them. Not in the bucket of principals, and in no event: an
address is asked for when it is needed, and kept nowhere else."""

from datetime import date
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from shared.access import Principal
from shared.commands.common import Query

MailAddress = Annotated[
    str,
    StringConstraints(
        strip_whitespace=True, max_length=254, pattern=r"^[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]+@[A-Za-z0-9.-]+$"
    ),
]


class Contact(BaseModel):
    """How a person is reached, and who stands in while they are away."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    email: MailAddress | None = None
    #: Of the mails to them.
    language: Literal["en", "de"] = "en"
    #: The first and the last day on which they are away; both or neither.
    absent_from: date | None = None
    absent_until: date | None = None
    #: Id of who gets their reminders while they are away.
    substitute: str | None = Field(default=None, pattern=r"^[a-z0-9][a-z0-9._-]{0,62}$")

    def is_away(self, day: date) -> bool:
        first, last = self.absent_from, self.absent_until
        return first is not None and last is not None and first <= day <= last


class Person(BaseModel):
    """A person who acts for a client."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    #: With effective roles.
    principal: Principal
    contact: Contact


class People(BaseModel):
    items: list[Person]


class PeopleQuery(Query):
    """`query.gateway.people` -> `People`: the active persons who act for a client, by id."""

    client: str
