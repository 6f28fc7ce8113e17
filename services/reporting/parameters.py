"""What people fill in for every job that reports."""

from collections.abc import Sequence
from typing import Annotated, Literal

from pydantic import Field

from shared.commands import MailAddress
from shared.words import ReportFormat

Recipients = Annotated[
    list[MailAddress], Field(max_length=50, description="Mail addresses; none: nobody is sent a mail")
]
Language = Annotated[Literal["en", "de"], Field(description="English (en) or German (de)")]
Formats = Annotated[
    list[ReportFormat],
    Field(min_length=1, max_length=3, description="PDF, Excel (xlsx), or CSV for programs"),
]
IntoFolder = Annotated[bool, Field(description="Put the files into the folder of the installation besides")]


def in_order(formats: Sequence[ReportFormat]) -> list[ReportFormat]:
    """Each format once, always in the same order."""
    return [format for format in ReportFormat if format in formats]
