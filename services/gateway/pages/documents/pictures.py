"""The pages of a document as pictures, and where on them its fields stand."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from services.gateway.context import Gateway
from services.gateway.routes.page_images import find_image
from shared.access import Principal
from shared.commands import DocumentDetail, InvoiceField, PageImage, PageImageWidth
from shared.errors import Failure, TagwerkError

#: Pages that are shown at once.
SHOWN: Final = 10
#: Pages whose measures are asked for before the HTML is sent; all others come when the browser asks.
_MEASURED: Final = 3
#: Seconds. A picture takes some tenths of one to be made; what takes longer comes when the browser asks.
_PATIENCE: Final = 1.5


@dataclass(frozen=True, slots=True)
class Place:
    """A place on a page where one field stands, or several: a payment code says them all."""

    fields: Sequence[InvoiceField]
    #: Points, from the upper left corner of the page.
    left: float
    top: float
    width: float
    height: float

    @property
    def names(self) -> str:
        return " ".join(field.name for field in self.fields)

    @property
    def doubtful(self) -> bool:
        return any(field.verdict != "certain" for field in self.fields)


@dataclass(frozen=True, slots=True)
class Picture:
    """One page."""

    number: int
    path: str
    #: None where its measures are not known (yet).
    image: PageImage | None = None
    #: Why it cannot be shown.
    problem: Failure | None = None
    places: Sequence[Place] = ()

    @property
    def close(self) -> str:
        """Where it can be looked at closely."""
        return f"{self.path}?width={PageImageWidth.CLOSE}"


@dataclass(frozen=True, slots=True)
class Pictures:
    document_id: UUID
    file_name: str
    shown: Sequence[Picture]
    #: Pages of the document.
    total: int
    #: First pages of the slices before and after this one.
    before: int | None
    after: int | None


Found = PageImage | Failure


def pictures_of(document: DocumentDetail, found: Mapping[int, Found], first: int = 1) -> Pictures | None:
    """The pages from `first` on; None as long as there is no PDF. Pure."""
    if "pdf" not in document.files:
        return None
    counted = [image.pages for image in found.values() if isinstance(image, PageImage)]
    total = max([document.page_count or 1, *counted])
    first = min(first, total)
    last = min(first + SHOWN - 1, total)
    fields = document.invoice.fields if document.invoice is not None else []
    shown = [
        _picture(document, number, found.get(number), [field for field in fields if field.page == number])
        for number in range(first, last + 1)
    ]
    return Pictures(
        document_id=document.document_id,
        file_name=document.file_name,
        shown=shown,
        total=total,
        before=max(1, first - SHOWN) if first > 1 else None,
        after=last + 1 if last < total else None,
    )


def _picture(
    document: DocumentDetail, number: int, found: Found | None, fields: Sequence[InvoiceField]
) -> Picture:
    path = f"/api/v1/documents/{document.document_id}/pages/{number}/image"
    if isinstance(found, Failure):
        return Picture(number, path, problem=found)
    return Picture(number, path, found, places=_places(fields))


def _places(fields: Sequence[InvoiceField]) -> list[Place]:
    at: dict[tuple[float, float, float, float], list[InvoiceField]] = {}
    for field in fields:
        if field.box is not None:
            at.setdefault(field.box, []).append(field)
    return [
        Place(there, left, top, right - left, bottom - top)
        for (left, top, right, bottom), there in at.items()
    ]


async def read_pictures(
    gateway: Gateway, asking: Principal, document: DocumentDetail, first: int = 1
) -> Pictures | None:
    """With the measures of the first pages and of those on which a field stands. They are pictured for that,
    which the browser would ask for next."""
    if "pdf" not in document.files:
        return None
    fields = document.invoice.fields if document.invoice is not None else []
    read_on = {field.page for field in fields if field.page is not None and field.box is not None}
    wanted = [first, *sorted(page for page in read_on if first < page < first + SHOWN)][:_MEASURED]
    answers = await asyncio.gather(*(_find(gateway, asking, document.document_id, page) for page in wanted))
    found = {page: answer for page, answer in zip(wanted, answers, strict=True) if answer is not None}
    return pictures_of(document, found, first)


async def _find(gateway: Gateway, asking: Principal, document_id: UUID, page: int) -> Found | None:
    """The picture, or why there can be none; None if it is not there yet."""
    try:
        return await find_image(gateway, asking, document_id, page, PageImageWidth.SCREEN, timeout=_PATIENCE)
    except TagwerkError as error:
        return None if error.failure.retryable or error.failure.code == "page_not_found" else error.failure
