"""What a timeline tells of large messages."""

from services.status.gist import LARGE, Gist, gist_to_keep
from services.status.timeline import Shortened, tell
from shared.events import decode_run_event
from shared.feed import RawMessage
from tests.support.run_events import RunTeller, in_stream, record


def shortened(messages: list[RawMessage]) -> list[RawMessage | Shortened]:
    """As the archive gives them."""
    found: list[RawMessage | Shortened] = []
    for raw in messages:
        gist = gist_to_keep(decode_run_event(raw.payload), raw.payload)
        found.append(raw if gist is None else Shortened(raw.sequence, Gist.model_validate_json(gist)))
    return found


def test_the_timeline_is_the_same_with_and_without_the_payloads() -> None:
    run = RunTeller().requested().started()
    run.recorded(1, *(record(f"page:{n}", "created" if n % 5 else "failed") for n in range(500)))
    run.progressed(1, 500).started(2).recorded(1, *(record(f"page:{n}", "created") for n in range(200)))
    run.recorded(2, record("page:1", "created")).finished(2)
    messages = in_stream(run.messages)
    short = shortened(messages)
    assert [type(one) for one in short].count(Shortened) == 2
    assert tell(short) == tell(messages)
    words = [entry.words for entry in tell(short).timeline]
    assert "500 records: 400 created, 100 failed." in words


def test_a_gist_is_kept_of_large_messages_only() -> None:
    small = RunTeller().recorded(1, record("page:1", "created")).messages[0][1]
    assert len(small) <= LARGE
    assert gist_to_keep(decode_run_event(small), small) is None
