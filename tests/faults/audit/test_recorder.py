"""The audit service is killed while things happen; every deed is in the log, once, and the log fits."""

from services.audit.reading import read_entries
from services.audit.verification import ChainCheck
from shared.audit import AuditEntry, audit
from shared.subjects import AUDIT, RUNS
from tests.faults.conftest import Sweep
from tests.support.faults.scene import Scene
from tests.support.faults.sweep import Scenario


async def cause(scene: Scene) -> None:
    for concern in ("session:1", "session:2"):
        entry = AuditEntry(action="signed_in", principal="ada", concern=concern, client=scene.client)
        await audit(scene.lane.bus, entry)
    await scene.request("lab.store", keys=["a", "b"])
    await catch_up(scene)


async def catch_up(scene: Scene) -> None:
    """Wait until everything that lies in the streams is written down."""
    lane = scene.lane

    async def caught_up() -> bool:
        for stream in (AUDIT, RUNS):
            last = (await lane.bus.js.stream_info(stream)).state.last_seq
            at = await lane.db.fetchval("select sequence from audit.checkpoints where stream = $1", stream)
            if at != last:
                return False
        return True

    await lane.until(caught_up, "the audit log has caught up")


async def look(scene: Scene) -> list[str]:
    """What the log says of this repetition, and whether all of it fits."""
    lane = scene.lane
    check = ChainCheck(await lane.db.fetchval("select id from audit_log.log"), ())
    async for batch in read_entries(lane.db):
        for entry in batch:
            check.take(entry)
    check.end()
    rows = await lane.db.fetch(
        "select kind, concern, principal from audit_log.entries join audit_log.contents using (number)"
        " where client = $1 order by kind, concern",
        scene.client,
    )
    return [f"{row['kind']} {row['concern']} {row['principal']}" for row in rows] + [
        finding.cause for finding in check.findings
    ]


RECORDING = Scenario(
    dies="audit",
    beside=("lab",),
    cause=cause,
    look_outside=look,
    expects=("commit audit.recorder.Recorder._commit",),
    sample=2,
)


async def test_a_kill_anywhere_in_the_recorder_loses_nothing_and_doubles_nothing(sweep: Sweep) -> None:
    await sweep(RECORDING)
