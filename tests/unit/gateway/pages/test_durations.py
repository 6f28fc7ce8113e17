"""The picture of how long runs took."""

import pytest

from services.gateway.pages.durations import HEIGHT, LOWEST, WIDTH, duration_chart
from shared.words import RunState
from tests.unit.gateway.pages.jobs import took


def test_bars_stand_from_the_oldest_to_the_newest_in_their_proportion() -> None:
    chart = duration_chart([took(8), took(4, RunState.FAILED), took(None, RunState.RUNNING), took(2)], 4, 4)
    assert chart is not None
    assert [bar.state for bar in chart.bars] == ["succeeded", "failed", "succeeded"]
    heights = [bar.height for bar in chart.bars]
    assert heights == pytest.approx([heights[0], 2 * heights[0], 4 * heights[0]])
    assert chart.bars[0].x < chart.bars[1].x < chart.bars[2].x
    assert chart.expected == pytest.approx(heights[1])
    assert (chart.shortest, chart.longest) == (2, 8)
    assert chart.states == [RunState.SUCCEEDED, RunState.FAILED]
    assert not chart.cuts


def test_one_that_took_far_longer_does_not_flatten_the_others() -> None:
    chart = duration_chart([took(900), took(2), took(3), took(2)], 2, 2)
    assert chart is not None
    assert [bar.cut for bar in chart.bars] == [False, False, False, True]
    assert chart.bars[-1].height == HEIGHT
    assert chart.bars[0].height > HEIGHT / 4
    assert chart.cuts


def test_an_expectation_far_above_is_not_drawn_and_one_near_is() -> None:
    far = duration_chart([took(1), took(2)], 60, 1.5)
    assert far is not None
    assert far.expected is None
    assert max(bar.height for bar in far.bars) > HEIGHT / 2
    near = duration_chart([took(1), took(2)], 5, 1.5)
    assert near is not None
    assert near.expected is not None
    assert max(bar.height for bar in near.bars) < near.expected < HEIGHT


@pytest.mark.parametrize("number", [2, 20, 50, 200])
def test_everything_lies_in_the_picture(number: int) -> None:
    chart = duration_chart([took(0.0)] + [took(float(n)) for n in range(1, number)], 3, None)
    assert chart is not None
    assert len(chart.bars) == number
    for bar in chart.bars:
        assert 0 <= bar.x <= bar.x + bar.width <= WIDTH
        assert LOWEST <= bar.height <= HEIGHT


def test_there_is_no_picture_of_less_than_two() -> None:
    assert duration_chart([], 3, None) is None
    assert duration_chart([took(1), took(None, RunState.RUNNING)], 3, None) is None
    assert duration_chart([took(0), took(0)], 0, None) is not None
