"""What a report says, whatever its kind. Pure, and without pydantic: the process that writes the files
imports it for each report."""

from typing import Any, ClassVar, Protocol


class Content(Protocol):
    """Everything that one report says. A frozen dataclass in `<kind>/content.py`, and an `AsJson`, which
    makes it from `plain` again."""

    #: Stored with each report, and names the folder of the kind: `due-dates`.
    kind: ClassVar[str]

    @property
    def client(self) -> str: ...

    @property
    def language(self) -> str:
        """`en` or `de`."""

    def plain(self) -> dict[str, Any]:
        """As JSON takes it. The same is the same report, so it holds nothing that changes by itself, such as
        the moment at which it was made."""
