"""From settings to a running service; what is wrong with them is said without a traceback."""

import sys
from collections.abc import Callable

from pydantic import ValidationError

from shared.errors import TagwerkError, wrong_fields
from shared.service import Service
from shared.settings import Settings


def read_settings() -> Settings:
    """Raises `settings_invalid`, without the values, and what `shared.setting_files` raises."""
    try:
        return Settings()
    except ValidationError as error:
        raise TagwerkError(
            "settings_invalid",
            f"settings are missing or wrong: {wrong_fields(error)}",
            concern="TAGWERK_…",
            next_step="Correct the variables of the environment; docs/operations.md lists them.",
        ) from None


def serve(build: Callable[[Settings], Service]) -> None:
    """Run the service until it is asked to stop."""
    try:
        service = build(read_settings())
    except TagwerkError as error:
        # Whoever starts it can mend it.
        sys.exit(f"{error.failure.code}: {error.failure.cause}\n{error.failure.next_step}")
    service.run()
