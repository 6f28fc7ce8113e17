"""Backup and restore of a state folder: what a running stack holds, or one that rests."""

import asyncio
import json
import os
import shutil
from collections.abc import Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from deploy.backup.doubts import Doubts
from deploy.backup.manifest import newest
from deploy.backup.places import Places, of_folder
from deploy.backup.restore import restore_backup, verified
from deploy.backup.take import INSTALLATION, Taken, take_backup
from deploy.local.config import NATS, POSTGRES, SERVICES, StackConfig
from deploy.local.mqtt import bridge_of
from deploy.local.nats import ADMIN
from deploy.local.plans import StackPlan
from deploy.local.ports import LOOPBACK
from deploy.local.postgres import DATABASE, SUPERUSER
from deploy.local.stack import LocalStack
from deploy.local.state import SECRETS, STACK, remove_state, write_private
from shared.errors import TagwerkError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

#: What of a state folder is no part of its backup: what is backed up otherwise, or made anew at each start.
_LEFT_OUT: Final = frozenset({"lock", STACK, "files", "logs", POSTGRES})
_FILES: Final = "files"
#: Where a restore puts things until they are whole.
_RESTORING: Final = ".restoring"


async def backup_state(state: Path, folder: Path) -> Taken:
    """Back up the stack of a state folder.

    Raises `TagwerkError`: `stack_never_started`, `backup_inside`, `backup_under_way`, ...
    """
    state = state.absolute()
    if not (state / STACK).exists():
        raise TagwerkError(
            "stack_never_started",
            "no stack was ever started in this folder",
            concern=str(state),
            next_step="Name the folder of the stack with --state.",
        )
    if folder.absolute().is_relative_to(state):
        raise TagwerkError(
            "backup_inside",
            "a backup inside of the state folder is lost with it",
            concern=str(folder),
            next_step="Choose a folder elsewhere, best on another disk.",
        )
    async with _running(state) as places:
        return await take_backup(places, folder, save_installation=lambda to: _save(state, to))


async def restore_state(backup: Path, state: Path) -> Doubts:
    """Make a state folder from a backup; `backup` is one, or a folder of them, whose newest is taken.

    Killed at any moment, there is no state folder, and it can be done again. Raises `TagwerkError`:
    `state_in_use`, `backup_missing`, `backup_altered`, `backup_without_installation`, ...
    """
    state = state.absolute()
    if state.exists() and any(state.iterdir()):
        raise TagwerkError(
            "state_in_use",
            "the state folder is there already; nothing is written over it",
            concern=str(state),
            next_step="Name a new one with --state, or move this one away.",
        )
    backup = newest(backup.absolute())
    await asyncio.to_thread(verified, backup)
    if not (backup / INSTALLATION).is_dir():
        raise TagwerkError(
            "backup_without_installation",
            "this backup was taken of an installation on machines of its own; it has no keys and passwords",
            concern=str(backup),
            next_step="Restore it with `python -m deploy.backup restore`.",
        )
    restoring = state.with_name(state.name + _RESTORING)
    remove_state(restoring)
    _bring(backup / INSTALLATION, restoring)
    stack = LocalStack(StackConfig(state=restoring, sync="default", services=SERVICES | bridge_of(restoring)))
    await stack.start_servers()
    try:
        places = _places(stack.plan)
        doubts = await restore_backup(
            places, backup,
            server_url=stack.plan.postgres.admin_url(), database=DATABASE,
            # Those of services too that are not started here.
            roles=_read(restoring / SECRETS)[POSTGRES],
        )  # fmt: skip
        await _hand_heads_over_again(places)
    finally:
        await stack.stop()
    # The bus was told not to sync each message.
    os.sync()
    if state.exists():
        state.rmdir()
    restoring.rename(state)
    return doubts


async def _hand_heads_over_again(places: Places) -> None:
    """The signed heads of the audit log in the state folder are written anew from the database: of those,
    and no others, the log of that moment knows."""
    connection = await places.database()
    try:
        if await connection.fetchval("select to_regclass('audit.heads')"):
            await connection.execute("update audit.heads set written_at = null")
    finally:
        await connection.close()


@asynccontextmanager
async def _running(state: Path) -> "AsyncIterator[Places]":
    """The stack as it runs, else its servers for as long as the block."""
    stack = LocalStack(StackConfig(state=state, services=SERVICES | bridge_of(state)))
    try:
        await stack.start_servers()
    except TagwerkError as error:
        if error.failure.code != "stack_running":
            raise
        yield places_of_running(state)
        return
    try:
        yield _places(stack.plan)
    finally:
        await stack.stop()


def _places(plan: StackPlan) -> Places:
    return Places(plan.nats.url(), plan.database_url(POSTGRES), of_folder(plan.state / _FILES))


def places_of_running(state: Path) -> Places:
    ports: Mapping[str, int] = _read(state / STACK)["ports"]
    secrets = _read(state / SECRETS)
    password = secrets["superuser"][POSTGRES]
    return Places(
        f"nats://{ADMIN}:{secrets[NATS][ADMIN]}@{LOOPBACK}:{ports['nats']}",
        f"postgresql://{SUPERUSER}:{password}@{LOOPBACK}:{ports['postgres']}/{DATABASE}?sslmode=disable",
        of_folder(state / _FILES),
    )


def _read(path: Path) -> dict[str, Any]:
    content: dict[str, Any] = json.loads(path.read_text())
    return content


def _save(state: Path, to: Path) -> None:
    """Keys, passwords and files of rules, as they are; ports, so that others find it where it was."""
    to.mkdir(mode=0o700)
    for entry in state.iterdir():
        if entry.name in _LEFT_OUT or entry.suffix == ".unfinished":
            continue
        if entry.is_dir():
            without = shutil.ignore_patterns("jetstream", "heads")
            shutil.copytree(entry, to / entry.name, ignore=without, symlinks=True)
        else:
            shutil.copy2(entry, to / entry.name, follow_symlinks=False)
    write_private(to / STACK, {"ports": _read(state / STACK)["ports"]})


def _bring(saved: Path, state: Path) -> None:
    state.mkdir(mode=0o700, parents=True)
    # Ours, should this be killed.
    (state / "lock").touch(mode=0o600)
    shutil.copytree(saved, state, dirs_exist_ok=True, symlinks=True)
    state.chmod(0o711 if os.geteuid() == 0 else 0o700)
