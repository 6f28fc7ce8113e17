"""Files of a folder: read into the journal first, moved after. Killed in between, they are moved later."""

import time
from pathlib import Path

from services.mqtt_bridge.agent.core import PickedFile, Result, Unfinished
from services.mqtt_bridge.agent.journal import Move
from services.mqtt_bridge.agent.registry import FilesAction
from shared.agents import AgentItem, ItemFailure


def pick_up(action: FilesAction, command: str, under_way: set[Path]) -> tuple[Result, list[Move]]:
    """The files that are there and whole, with where each is to be moved. `under_way`: those of earlier
    commands. Blocks. Raises `Unfinished`."""
    done = action.done or action.folder / "picked-up"
    result, moves = Result(), []
    try:
        found = sorted(
            path
            for path in action.folder.glob(action.pattern)
            # A link could lead out of the folder.
            if path.is_file() and not path.is_symlink() and path not in under_way
        )
        for path in found:
            stat = path.stat()
            if time.time() - stat.st_mtime < action.settled:
                continue
            if len(result.files) + len(result.items) >= action.count_limit:
                result.more = True
                break
            if stat.st_size > action.file_limit:
                result.items.append(_too_large(path, stat.st_size, action.file_limit))
                continue
            result.files.append(PickedFile(path.name[-200:], path.read_bytes()))
            moves.append((path, done / f"{command[:8]}-{path.name}"))
    except OSError as error:
        raise Unfinished(
            "agent_folder_unreadable",
            f"{error.filename or action.folder} cannot be read: {error.strerror}",
            "Check the folder and the rights of the agent's user.",
        ) from error
    return result, moves


def move(source: Path, target: Path) -> None:
    """Nothing is overwritten: the name has the command in it. Moved already: nothing happens."""
    target.parent.mkdir(parents=True, exist_ok=True)
    if source.exists():
        source.replace(target)


def _too_large(path: Path, size: int, limit: int) -> AgentItem:
    failure = ItemFailure(
        code="agent_file_too_large",
        cause=f"{path.name} has {size:,} bytes; the limit is {limit:,}",
        next_step="Upload it over HTTP, or raise `file_limit` in the agent's file.",
    )
    return AgentItem(key=path.name[-300:], failure=failure)
