"""Backup and restore of a state folder, as `tagwerk backup` and `tagwerk restore` do it."""

from collections.abc import Iterator
from pathlib import Path

import asyncpg
import nats
import pytest

from deploy.backup.told import told_of_restore, told_of_taken
from deploy.local.backup import backup_state, restore_state
from deploy.local.config import StackConfig
from deploy.local.stack import LocalStack
from shared.errors import TagwerkError
from shared.subjects import RUNS
from tests.support.folders import remove_folder, temporary_folder
from tests.support.up import SERVICES


@pytest.fixture
def folder() -> Iterator[Path]:
    folder = temporary_folder()
    yield folder
    remove_folder(folder)


async def test_a_restored_stack_is_the_same_one_with_keys_and_passwords(folder: Path) -> None:
    state = folder / "state"
    assert await _refusal(backup_state(state, folder / "backups")) == "stack_never_started"
    async with LocalStack(StackConfig(state=state, services=SERVICES)) as stack:
        bus = await nats.connect(stack.nats_url)
        await bus.jetstream().publish("run.a.b.c.ev", b"{}")
        await bus.close()
        token = stack.token
        running = await backup_state(state, folder / "backups")
    assert await _refusal(backup_state(state, state / "backups")) == "backup_inside"
    resting = await backup_state(state, folder / "backups")
    assert resting.manifest.rows == running.manifest.rows
    assert "1 messages" in told_of_taken(resting)

    assert await _refusal(restore_state(folder / "backups", state)) == "state_in_use"
    # What a restore leaves behind that was killed.
    killed = folder / "new.restoring"
    (killed / "files").mkdir(parents=True)
    (killed / "lock").touch()
    told = told_of_restore(await restore_state(folder / "backups", folder / "new"))
    assert told.startswith(f"Restored as of {resting.manifest.moment:%Y-%m-%d %H:%M:%S} UTC.")
    assert not killed.exists()

    async with LocalStack(StackConfig(state=folder / "new", services=SERVICES)) as stack:
        assert stack.token == token
        bus = await nats.connect(stack.nats_url)
        assert (await bus.jetstream().get_msg(RUNS, 1)).subject == "run.a.b.c.ev"
        await bus.close()
        database = await asyncpg.connect(stack.database_url("gateway"))
        # Of both starts: one before the backup, one after the restore.
        assert await database.fetchval("select count(*) from starts") == 2
        await database.close()
    for name in ("gateway", "documents"):
        key = Path("nats") / "keys" / f"{name}.nk"
        assert (folder / "new" / key).read_bytes() == (state / key).read_bytes()


async def _refusal(work: object) -> str:
    with pytest.raises(TagwerkError) as refused:
        await work  # type: ignore[misc]
    return refused.value.failure.code
