"""How the audit log stands, read into gauges when somebody asks."""

from shared.database import Pool
from shared.metrics.definitions import AUDIT_BROKEN, AUDIT_HEAD, AUDIT_VERIFIED


async def measure_log(pool: Pool) -> None:
    """The newest signed head and the last verification; 0 while there is none."""
    AUDIT_HEAD.set(await pool.fetchval("select coalesce(extract(epoch from max(signed_at)), 0) from heads"))
    last = await pool.fetchrow(
        "select extract(epoch from finished_at) as at, broken is not null as broken from checks"
        " order by finished_at desc limit 1"
    )
    AUDIT_VERIFIED.set(0 if last is None else last["at"])
    AUDIT_BROKEN.set(last is not None and last["broken"])
