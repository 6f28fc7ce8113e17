"""Settings that lie in files: `TAGWERK_DATABASE_URL_FILE` names the one with what
`TAGWERK_DATABASE_URL` would say, so that no secret has to stand in an environment or in the definition of a
container."""

import os
import stat
from pathlib import Path
from typing import Any

import structlog
from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource

from shared.errors import TagwerkError

log = structlog.get_logger(__name__)


class SettingFiles(PydanticBaseSettingsSource):
    """Reads each setting `name` from the file that `<prefix>NAME_FILE` names, without the line end after it.

    A setting that is called so itself (`sign_in_file`) stays what it is. Raises `setting_given_twice`,
    `setting_file_unreadable`.
    """

    def __init__(self, settings: type[BaseSettings]) -> None:
        super().__init__(settings)
        self._prefix = str(self.config.get("env_prefix", "")).upper()

    def __call__(self) -> dict[str, Any]:
        found = {}
        for name, field in self.settings_cls.model_fields.items():
            value, _, _ = self.get_field_value(field, name)
            if value is not None:
                found[name] = self.prepare_field_value(name, field, value, self.field_is_complex(field))
        return found

    def get_field_value(self, field: FieldInfo, field_name: str) -> tuple[Any, str, bool]:
        variable = f"{self._prefix}{field_name.upper()}"
        by_file = f"{variable}_FILE"
        path = os.environ.get(by_file)
        if not path or f"{field_name}_file" in self.settings_cls.model_fields:
            return None, field_name, False
        if variable in os.environ:
            raise TagwerkError(
                "setting_given_twice",
                f"{variable} and {by_file} are both set, and only one can hold",
                concern=variable,
                next_step=f"Take one of them away; {by_file} for a secret.",
            )
        return _content(Path(path), by_file), field_name, False


def _content(path: Path, variable: str) -> str:
    try:
        with path.open(encoding="utf-8") as file:
            mode = os.fstat(file.fileno()).st_mode
            content = file.read().rstrip("\r\n")
    except (OSError, UnicodeDecodeError) as error:
        # Of what cannot be decoded, the error's text would show a piece.
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        raise _holds_no_setting(path, variable, f"it cannot be read: {reason}") from None
    if not content:
        raise _holds_no_setting(path, variable, "it is empty")
    if mode & stat.S_IROTH:
        log.warning(
            "everybody on this machine can read a file of settings", file=str(path), setting=variable,
            next_step=f"chmod o-r {path}",
        )  # fmt: skip
    return content


def _holds_no_setting(path: Path, variable: str, why: str) -> TagwerkError:
    return TagwerkError(
        "setting_file_unreadable",
        f"the file {path}, named by {variable}, holds no setting: {why}",
        concern=variable,
        next_step="Put the value into the file, readable by the account that the service runs as.",
    )
