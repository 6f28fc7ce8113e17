import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.mqtt_bridge.topics import check_filter, check_topic, matches

LEVEL = st.text(alphabet="ab$é", max_size=2)
TOPICS = st.lists(LEVEL, min_size=1, max_size=4).map("/".join).filter(bool)
FILTERS = (
    st.tuples(st.lists(LEVEL | st.just("+"), max_size=4), st.booleans())
    .map(lambda parts: "/".join([*parts[0], *(["#"] if parts[1] else [])]))
    .filter(bool)
)


def by_the_standard(filter: str, topic: str) -> bool:
    """The same as a regular expression: another way to the same answer."""
    if topic.startswith("$") and filter[0] in "+#":
        return False
    parts = []
    for level in filter.split("/"):
        parts.append("[^/]*" if level == "+" else ".*" if level == "#" else re.escape(level))
    pattern = "/".join(parts)
    if filter.endswith("/#"):
        pattern = pattern.removesuffix("/.*") + "(/.*)?"
    return re.fullmatch(pattern, topic) is not None


@given(FILTERS, TOPICS)
def test_matching_is_that_of_the_standard(filter: str, topic: str) -> None:
    assert check_filter(filter) == filter
    assert matches(filter, topic) == by_the_standard(filter, topic)


@given(TOPICS)
def test_a_topic_matches_itself_and_everything_above_it(topic: str) -> None:
    levels = topic.split("/")
    assert check_topic(topic) == topic
    assert matches(topic, topic)
    for count in range(1, len(levels) + 1):
        above = "/".join(levels[:count])
        assert matches(f"{above}/#", topic)


@pytest.mark.parametrize("wrong", ["", "a/#/b", "a+/b", "a/b#", "a b", "a\nb", "a\0"])
def test_a_wrong_filter_is_refused(wrong: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        check_filter(wrong)


@pytest.mark.parametrize("wrong", ["", "a/+", "#", "a b"])
def test_a_wrong_topic_is_refused(wrong: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        check_topic(wrong)
