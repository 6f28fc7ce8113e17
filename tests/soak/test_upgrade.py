"""The upgrade drill as a proof of the release: from the commit before the newest change of the services."""

import pytest

from tests.drills.upgrade import run

pytestmark = [pytest.mark.soak, pytest.mark.timeout(900)]


def test_a_rolling_upgrade_under_load_loses_nothing() -> None:
    run()
