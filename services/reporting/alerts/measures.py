"""How many alerts are open, read into gauges when somebody asks."""

from shared.database import Pool
from shared.metrics.definitions import ALERTS_OPEN
from shared.words import Severity


async def measure_alerts(pool: Pool) -> None:
    rows = await pool.fetch(
        "select severity, count(*) as open from alerts where closed_at is null group by severity"
    )
    found = {row["severity"]: row["open"] for row in rows}
    for severity in Severity:
        ALERTS_OPEN.labels(severity).set(found.get(severity, 0))
