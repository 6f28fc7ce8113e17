"""What the pages of dead letters show, without a bus."""

from services.gateway.pages.dead_letters import (
    PAYLOAD_LIMIT,
    ROWS,
    Wanted,
    letters_view,
    payload_view,
    reason_title,
)
from shared.dead_letters import KeptDeadLetter
from shared.errors import Failure
from shared.events import now


def letter(
    id: int = 1, *, durable: str = "lab-events", code: str = "event_undecodable", data: bytes = b"{}"
) -> KeptDeadLetter:
    return KeptDeadLetter(
        id=id, durable=durable, stream="EVENTS", subject="event.invoice.paid", sequence=id, time=now(),
        reason=Failure(code=code, cause="no number", concern="amount", next_step="mend it"),
        payload=data.decode("utf-8", "backslashreplace"), payload_hex=data.hex(),
    )  # fmt: skip


def test_every_filter_narrows_and_words_are_looked_for_everywhere() -> None:
    letters = [
        letter(3, data=b'{"number": "R-4711"}'),
        letter(2, durable="status-projector"),
        letter(1, code="access_refused"),
    ]

    def ids(**wanted: str) -> list[int]:
        return [row.letter.id for row in letters_view(letters, Wanted(**wanted)).rows]

    assert ids() == [3, 2, 1]
    assert ids(durable="status-projector") == [2]
    assert ids(reason="access_refused") == [1]
    assert ids(q="r-4711 PAID number") == [3]
    assert ids(q="4712") == []
    assert letters_view(letters, Wanted(durable="gone")).durables == [
        "gone",
        "lab-events",
        "status-projector",
    ]


def test_many_are_counted_and_not_all_shown() -> None:
    view = letters_view([letter(n) for n in range(ROWS + 5, 0, -1)], Wanted())
    assert (len(view.rows), view.found, view.total) == (ROWS, ROWS + 5, ROWS + 5)
    assert view.rows[0].letter.id == ROWS + 5


def test_a_refusal_speaks_of_who_caused_the_message() -> None:
    assert reason_title("access_refused") == "Whoever caused it may not do that"
    assert reason_title("event_undecodable") == "The message cannot be read"
    assert reason_title("never_heard_of") is None


def test_a_payload_is_json_or_text_or_the_beginning_of_a_large_one() -> None:
    shown = payload_view(letter(data=b'{"a":[1]}'))
    assert (shown.json, shown.text, shown.size, shown.cut) == (True, '{\n  "a": [\n    1\n  ]\n}', 9, False)
    shown = payload_view(letter(data=b"\xff<b>"))
    assert (shown.json, shown.text, shown.cut) == (False, "\\xff<b>", False)
    shown = payload_view(letter(data=b"x" * (PAYLOAD_LIMIT + 1)))
    assert (len(shown.text), shown.cut, shown.size) == (PAYLOAD_LIMIT, True, PAYLOAD_LIMIT + 1)
    # Too large to be kept in the letter as it was.
    shown = payload_view(letter(data=b"x" * 4000).model_copy(update={"payload_hex": ""}))
    assert (shown.text, shown.cut, shown.size) == ("x" * 4000, True, None)
    assert payload_view(letter(data=b"")).size == 0
