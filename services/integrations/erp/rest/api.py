"""The ERP over HTTP, as docs/erp-rest.md describes it: lists by pages, bookings by our key, changes only to
what was read."""

import asyncio
import json
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from types import TracebackType
from typing import Any, Final, Self
from urllib.parse import quote
from uuid import UUID

import httpx
from pydantic import BaseModel, Field, ValidationError

from services.integrations.erp.rest.config import RestErp
from services.integrations.erp.rest.entries import Entry, WrongEntry, read_entry
from shared.clients.answers import next_page
from shared.clients.http import HttpSystem, RequestRefused
from shared.errors import TagwerkError, wrong_fields
from shared.runner.context import Calls
from shared.words import ErpList

#: How calls, probes and failures name it.
ERP: Final = "erp"
#: Entries that are asked for in one page, and pages of a list at most.
PAGE: Final = 500
PAGES_AT_MOST: Final = 10_000
#: Seconds that are waited on the spot where the ERP asks for it, and how often in a row; what takes longer is
#: the business of the next attempt.
WAIT_AT_MOST: Final = 30.0
WAITS_AT_MOST: Final = 5
#: Statuses by which the ERP refuses what was sent, and not us.
REFUSALS: Final = frozenset({400, 409, 413, 415, 422})


@dataclass(frozen=True, slots=True)
class ListPage:
    """A page of a list."""

    entries: Sequence[Entry | WrongEntry]
    #: Of the list as a whole; on its first page only.
    etag: str | None


@dataclass(frozen=True, slots=True)
class Unchanged:
    """The list is as its ETag said."""


class Booked(BaseModel):
    """A booking that the ERP has."""

    #: By which people find it there.
    number: str = Field(min_length=1, max_length=100, pattern=r"^[^\x00-\x1f\x7f]+$")


class ErpApi:
    """The ERP of one run's client. Use as an async context manager.

    Every method raises what `HttpSystem.request` does, and `erp_answer_invalid`.
    """

    def __init__(self, erp: RestErp, calls: Calls) -> None:
        """Raises `erp_token_missing`."""
        self._base = erp.url
        headers = {"Authorization": f"Bearer {erp.token()}", "Accept": "application/json"}
        self._system = HttpSystem(ERP, calls, headers=headers, retries=0)

    async def __aenter__(self) -> Self:
        await self._system.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._system.__aexit__(kind, error, trace)

    async def read(self, of: ErpList, etag: str | None) -> AsyncIterator[ListPage | Unchanged]:
        """The pages of a list in their order; `Unchanged` alone where it is as `etag` says."""
        url: str | None = f"{self._base}/{of}?limit={PAGE}"
        headers = {"If-None-Match": etag} if etag else {}
        asked: set[str] = set()
        while url is not None:
            if url in asked or len(asked) >= PAGES_AT_MOST or not url.startswith(f"{self._base}/"):
                raise _invalid(of, "its next page is no page of the same list, or one that was read already")
            asked.add(url)
            response = await self._send(f"read {of}", "GET", url, headers=headers)
            if response.status_code == httpx.codes.NOT_MODIFIED:
                yield Unchanged()
                return
            items = _object(response, of).get("items")
            if not isinstance(items, list):
                raise _invalid(of, "it has no list `items`")
            places = (f"page {len(asked)}, entry {number}" for number in range(1, len(items) + 1))
            entries = [read_entry(of, item, place) for item, place in zip(items, places, strict=True)]
            yield ListPage(entries, response.headers.get("etag") if len(asked) == 1 else None)
            url, headers = next_page(response), {}

    async def find_booking(self, external_id: UUID) -> Booked | None:
        """The booking that was made with our id, if there is one."""
        url = f"{self._base}/bookings"
        response = await self._send("find booking", "GET", url, params={"external_id": str(external_id)})
        items = _object(response, "bookings").get("items")
        if not isinstance(items, list):
            raise _invalid("bookings", "it has no list `items`")
        return _booked(items[0]) if items else None

    async def put_document(self, external_id: UUID, content: bytes, media_type: str) -> None:
        """Store the document of a booking; again, it is the same one."""
        url = f"{self._base}/documents/{external_id}"
        await self._send("store document", "PUT", url, content=content, headers={"Content-Type": media_type})

    async def book(self, external_id: UUID, booking: Mapping[str, Any]) -> Booked:
        """Make a booking; with the same id again, it is the same one."""
        response = await self._send(
            "book", "POST", f"{self._base}/bookings", json=booking,
            headers={"Idempotency-Key": str(external_id)},
        )  # fmt: skip
        return _booked(_object(response, "bookings"))

    async def settle(self, id: str, etag: str, paid_on: date | None) -> Entry | None:
        """Say that an open item is paid, if it still is as `etag` says: the item as it is then; None if it
        has changed."""
        changes = {"open_amount": f"{Decimal(0):.2f}", "paid_on": paid_on.isoformat() if paid_on else None}
        try:
            response = await self._send(
                "settle open item", "PATCH", self._item(id), json=changes, headers={"If-Match": etag}
            )
        except RequestRefused as error:
            if error.status == httpx.codes.PRECONDITION_FAILED:
                return None
            raise
        return self._entry(response)

    async def open_item(self, id: str) -> Entry:
        """An open item as it is now."""
        return self._entry(await self._send("read open item", "GET", self._item(id)))

    def _item(self, id: str) -> str:
        return f"{self._base}/open-items/{quote(id, safe='')}"

    def _entry(self, response: httpx.Response) -> Entry:
        of = ErpList.OPEN_ITEMS
        entry = read_entry(of, _object(response, of), "the entry")
        if isinstance(entry, WrongEntry):
            raise _invalid(of, entry.cause)
        return entry

    async def _send(self, operation: str, method: str, url: str, **arguments: Any) -> httpx.Response:
        """As `HttpSystem.request`, but a short wait that the ERP asks for is waited here."""
        for _ in range(WAITS_AT_MOST):
            try:
                return await self._system.request(operation, method, url, **arguments)
            except TagwerkError as error:
                wait = error.failure.retry_after
                if wait is None or wait > WAIT_AT_MOST:
                    raise
            await asyncio.sleep(wait)
        return await self._system.request(operation, method, url, **arguments)


def _object(response: httpx.Response, what: str) -> dict[str, Any]:
    try:
        answer = json.loads(response.content, parse_float=Decimal)
    except (ValueError, RecursionError) as error:
        raise _invalid(what, f"it is no JSON: {error}") from error
    if not isinstance(answer, dict):
        raise _invalid(what, "it is no JSON object")
    return answer


def _booked(given: Any) -> Booked:
    try:
        return Booked.model_validate(given)
    except ValidationError as error:
        raise _invalid("bookings", wrong_fields(error)) from error


def _invalid(what: str, cause: str) -> TagwerkError:
    return TagwerkError(
        "erp_answer_invalid",
        f"what the ERP answers about {what} cannot be read: {cause}",
        concern=ERP,
        next_step="Check the url of this client in the file that TAGWERK_ERP_FILE names, and the interface "
        "behind it against docs/erp-rest.md.",
    )
