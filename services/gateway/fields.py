"""Types of what requests carry: limits that the parts behind the gateway have, told at its door."""

from datetime import UTC, datetime
from typing import Annotated

from pydantic import AfterValidator, Field, StringConstraints

#: PostgreSQL stores no NUL in text.
Text = Annotated[str, StringConstraints(pattern=r"^[^\x00]*$", max_length=1000)]

#: A sequence of a stream, as PostgreSQL can hold it and one more.
Sequence = Annotated[int, Field(ge=0, lt=2**63 - 1)]


def _within_calendar(moment: datetime) -> datetime:
    try:
        moment.astimezone(UTC)
    except OverflowError:
        raise ValueError("lies outside of the calendar") from None
    return moment


#: A time; without a zone it is UTC.
Moment = Annotated[datetime, AfterValidator(_within_calendar)]
