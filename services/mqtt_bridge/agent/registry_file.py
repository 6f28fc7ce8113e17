"""The agent's file (TOML), and the secrets that it points to."""

import os
import tomllib
from pathlib import Path

from pydantic import ValidationError

from services.mqtt_bridge.agent.registry import Registry, Secret, absolute
from shared.errors import TagwerkError, wrong_fields


def read_registry(path: Path) -> Registry:
    """Raises `agent_file_invalid`."""
    try:
        content = tomllib.loads(path.read_text())
        return absolute(Registry.model_validate(content), path.absolute().parent)
    except OSError as error:
        raise _wrong(path, f"it cannot be read: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise _wrong(path, f"it is no TOML: {error}") from error
    except ValidationError as error:
        raise _wrong(path, wrong_fields(error)) from error


def read_secret(secret: Secret) -> str:
    """The value, read each time: it may be renewed. Raises `agent_secret_missing`."""
    if secret.env is not None:
        value, place = os.environ.get(secret.env, ""), f"the variable {secret.env}"
    else:
        assert secret.file is not None, "one of both is given"
        place = str(secret.file)
        try:
            value = secret.file.read_text().partition("\n")[0].strip()
        except (OSError, UnicodeDecodeError):
            value = ""
    if not value:
        raise TagwerkError(
            "agent_secret_missing",
            f"{place} has no value, or cannot be read by the agent",
            concern=place,
            next_step="Set it on the agent's machine.",
        )
    return value


def _wrong(path: Path, cause: str) -> TagwerkError:
    return TagwerkError(
        "agent_file_invalid",
        f"the agent's file {path} cannot be used: {cause}",
        concern=str(path),
        next_step="Correct the file (docs/agents.md shows one), then start the agent again.",
    )
