"""A trace as a waterfall: each span below what led to it, at its place in time."""

from datetime import UTC, datetime, timedelta

from services.gateway.pages.waterfall import DEEPEST, NARROWEST, WIDTH, tone_of, waterfall_of
from shared.commands import Span, Trace

BEGIN = datetime(2026, 3, 1, 8, 30, tzinfo=UTC)


def span(id: str, parent: str | None, after: float, took: float, service: str = "documents") -> Span:
    return Span(
        span_id=id, parent_id=parent, service=service, name=id, kind="internal", failed=id == "bad",
        started_at=BEGIN + timedelta(seconds=after), microseconds=int(took * 1e6), links=["f" * 32],
    )  # fmt: skip


def trace(*spans: Span) -> Trace:
    return Trace(trace_id="a" * 32, items=list(spans), days=3)


def test_spans_stand_below_their_parents_by_their_start() -> None:
    shown = waterfall_of(
        trace(span("root", None, 0, 10, "gateway"), span("late", "root", 5, 5), span("bad", "root", 1, 2),
              span("below", "bad", 1, 1))
    )  # fmt: skip
    assert shown is not None
    assert [(bar.span.name, bar.depth) for bar in shown.bars] == [
        ("root", 0), ("bad", 1), ("below", 2), ("late", 1),
    ]  # fmt: skip
    assert [(bar.x, bar.width) for bar in shown.bars] == [(0, 1000), (100, 200), (100, 100), (500, 500)]
    assert (shown.seconds, shown.failed, shown.linked) == (10, 1, ["f" * 32])
    assert shown.services == {"gateway": tone_of("gateway"), "documents": tone_of("documents")}


def test_one_whose_parent_is_not_here_stands_for_itself_and_clocks_may_differ() -> None:
    # The child's machine is two seconds behind: it begins before what led to it.
    shown = waterfall_of(trace(span("root", "gone", 0, 4), span("child", "root", -2, 1)))
    assert shown is not None
    assert [(bar.span.name, bar.depth, bar.x) for bar in shown.bars] == [("root", 0, 333.3), ("child", 1, 0)]


def test_a_short_one_is_seen_and_none_leaves_the_picture() -> None:
    shown = waterfall_of(trace(span("long", None, 0, 100), span("end", "long", 100, 0)))
    assert shown is not None
    assert (shown.bars[1].x, shown.bars[1].width) == (WIDTH - NARROWEST, NARROWEST)
    alone = waterfall_of(trace(span("moment", None, 0, 0)))
    assert alone is not None
    assert (alone.bars[0].x, alone.bars[0].width) == (0, NARROWEST)


def test_what_lies_very_deep_is_not_indented_out_of_the_page() -> None:
    chain = [span("0", None, 0, 1), *(span(str(n), str(n - 1), 0, 1) for n in range(1, 40))]
    shown = waterfall_of(trace(*chain))
    assert shown is not None
    assert [bar.depth for bar in shown.bars][-1] == DEEPEST


def test_nothing_is_no_waterfall() -> None:
    assert waterfall_of(trace()) is None
