"""Messages that could not be handled: why, what they held, and publishing them again."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

import orjson
from fastapi import APIRouter, Query, Response
from fastapi.responses import HTMLResponse, RedirectResponse
from pydantic import BaseModel, ConfigDict

from services.gateway.context import TheGateway
from services.gateway.fields import Text
from services.gateway.pages.asking import PageAsking, TheVisit
from services.gateway.pages.codes import title_of
from services.gateway.pages.languages import N_
from services.gateway.pages.navigation import DEAD_LETTERS, Place
from services.gateway.pages.rendering import link
from services.gateway.routes.dead_letters import (
    LetterId,
    dead_letter_to_see,
    read_dead_letters,
    replay_dead_letter,
)
from shared import subjects
from shared.dead_letters import KeptDeadLetter

router = APIRouter(include_in_schema=False)

#: How many of the newest are looked through, and rows that the page shows of them.
LOOKED_THROUGH = 1000
ROWS = 100
#: Characters of a payload that the page shows.
PAYLOAD_LIMIT = 20_000


#: Reasons that concern whoever caused the message, not the reader.
_OF_OTHERS = {"access_refused": N_("Whoever caused it may not do that")}


class Wanted(BaseModel):
    """The query string of the list."""

    model_config = ConfigDict(extra="ignore")

    #: Which work could not handle it.
    durable: Text = ""
    #: Code of the reason.
    reason: Text = ""
    #: Words that subject, reason or payload hold.
    q: Text = ""
    #: The letter that has just been published again.
    replayed: int | None = None


@dataclass(frozen=True, slots=True)
class LetterRow:
    letter: KeptDeadLetter
    #: A message; None for a reason that no page knows by name.
    title: str | None


@dataclass(frozen=True, slots=True)
class LettersPage:
    #: Newest first, at most `ROWS`.
    rows: Sequence[LetterRow]
    wanted: Wanted
    #: How many the filter left, and how many there are.
    found: int
    total: int
    #: What there is to choose from.
    durables: Sequence[str]
    reasons: Sequence[tuple[str, str | None]]

    @property
    def filtered(self) -> bool:
        return bool(self.wanted.durable or self.wanted.reason or self.wanted.q.strip())


@dataclass(frozen=True, slots=True)
class Payload:
    text: str
    json: bool
    #: Not all of it is shown.
    cut: bool
    #: Bytes; None where the letter has only the beginning.
    size: int | None


def letters_view(letters: Sequence[KeptDeadLetter], wanted: Wanted) -> LettersPage:
    found = [letter for letter in letters if _fits(letter, wanted)]
    durables = sorted({letter.durable for letter in letters} | ({wanted.durable} - {""}))
    codes = sorted({letter.reason.code for letter in letters} | ({wanted.reason} - {""}))
    return LettersPage(
        rows=[LetterRow(letter, reason_title(letter.reason.code)) for letter in found[:ROWS]],
        wanted=wanted,
        found=len(found),
        total=len(letters),
        durables=durables,
        reasons=[(code, reason_title(code)) for code in codes],
    )


def reason_title(code: str) -> str | None:
    """A message, or None for a code that no page knows by name."""
    return _OF_OTHERS.get(code) or title_of(code)


def payload_view(letter: KeptDeadLetter) -> Payload:
    """As indented JSON if it is some, else as text."""
    data = bytes.fromhex(letter.payload_hex)
    try:
        text = orjson.dumps(orjson.loads(data), option=orjson.OPT_INDENT_2).decode()
        json = True
    except orjson.JSONDecodeError:
        text, json = data.decode("utf-8", "backslashreplace") or letter.payload, False
    size = len(data) if data or not letter.payload else None
    return Payload(text[:PAYLOAD_LIMIT], json, len(text) > PAYLOAD_LIMIT or size is None, size)


def _fits(letter: KeptDeadLetter, wanted: Wanted) -> bool:
    text = f"{letter.subject} {letter.reason.cause} {letter.reason.concern} {letter.payload}".lower()
    return (
        wanted.durable in ("", letter.durable)
        and wanted.reason in ("", letter.reason.code)
        and all(word in text for word in wanted.q.lower().split())
    )


@router.get("/dead-letters")
async def read_list(
    visit: TheVisit, asking: PageAsking, gateway: TheGateway, wanted: Annotated[Wanted, Query()]
) -> HTMLResponse:
    found = await read_dead_letters(asking, gateway, LOOKED_THROUGH)
    view = letters_view(found.items, wanted)
    return visit.page("dead_letters.html", trail=(DEAD_LETTERS,), view=view, limit=LOOKED_THROUGH)


@router.get("/dead-letters/{letter_id}")
async def read_letter(
    letter_id: LetterId, visit: TheVisit, asking: PageAsking, gateway: TheGateway
) -> HTMLResponse:
    letter = await dead_letter_to_see(gateway, asking, letter_id)
    return visit.page(
        "dead_letter.html",
        trail=(DEAD_LETTERS, Place(str(letter_id), f"/dead-letters/{letter_id}", given=True)),
        letter=letter,
        # An event that the projection could not decode has its place in the history already.
        replayable=letter.durable != subjects.PROJECTOR,
        title=reason_title(letter.reason.code),
        payload=payload_view(letter),
    )


@router.post("/dead-letters/{letter_id}/replay")
async def replay(letter_id: LetterId, asking: PageAsking, gateway: TheGateway) -> Response:
    await replay_dead_letter(letter_id, asking, gateway)
    return RedirectResponse(link(DEAD_LETTERS.path, replayed=letter_id), 303)
