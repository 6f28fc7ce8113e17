"""Daily rates of both sources, more than one transaction takes."""

from tests.faults.conftest import Sweep
from tests.support.faults.scene import Scene
from tests.support.faults.sweep import Scenario


async def imports(scene: Scene) -> None:
    await scene.request("integrations.import-daily-rates", since="2026-03-02")


async def test_a_kill_anywhere_in_an_import_of_rates_changes_nothing(sweep: Sweep, feed_url: str) -> None:
    await sweep(
        Scenario(
            dies="integrations",
            beside=("scheduler",),
            cause=imports,
            expects=(
                "call ecb: fetch rates",
                "call bazg: fetch rates",
                "commit integrations.rates.store.PostgresRates.store_many",
                "publish event.rates.imported",
                "publish run.finished",
            ),
            sides_of=("commit integrations.rates.store.PostgresRates.store_many",),
            settings={
                "ECB_DAILY_URL": f"{feed_url}/ecb",
                "ECB_HISTORY_URL": f"{feed_url}/ecb-history?days=20",
                "BAZG_DAILY_URL": f"{feed_url}/bazg",
            },
        )
    )
