"""A client's ERP with an interface over HTTP, as the file says that `TAGWERK_ERP_FILE` names.

[rest.main]
url = "https://erp.example.org/api/tagwerk"
token_file = "erp.token"         # beside this file, or an absolute path; its first line
bookings = true                  # optional: approved invoices are booked there, and not in DATEV
gone_limit = 20                  # optional: percent of a list that may be gone at once

The token stands in a file of its own: this one is shown in the audit log whenever it changes.
"""

from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from shared.errors import TagwerkError

_LOOPBACK: Final = frozenset({"127.0.0.1", "::1", "localhost"})


class RestErp(BaseModel):
    """Where one client's ERP is, and what it is for."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    url: str = Field(max_length=500)
    token_file: Path
    #: Whether approved invoices are booked there.
    bookings: bool = False
    #: Percent of a list that may be gone at once without anybody saying that this is right.
    gone_limit: int = Field(default=20, ge=1, le=100)

    @model_validator(mode="before")
    @classmethod
    def _no_token(cls, given: Any) -> Any:
        if isinstance(given, dict) and "token" in given:
            # Before anything could quote it.
            raise ValueError("token: it belongs into a file of its own, which token_file names")
        return given

    @field_validator("url")
    @classmethod
    def _check(cls, url: str) -> str:
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.fragment:
            raise ValueError("it must read https://host/path")
        if parts.username is not None or parts.password is not None:
            raise ValueError("credentials belong into the file that token_file names")
        if parts.scheme == "http" and parts.hostname not in _LOOPBACK:
            raise ValueError(f"to {parts.hostname} the token would go unencrypted; use https")
        return url.rstrip("/")

    def token(self) -> str:
        """As it is now: it can be renewed while the service runs. Raises `erp_token_missing`."""
        try:
            token = self.token_file.read_text(encoding="ascii").partition("\n")[0].strip()
        except (OSError, UnicodeDecodeError) as error:
            why = error.strerror if isinstance(error, OSError) else "it is no plain text"
            raise self._token_missing(f"the file of the token cannot be read: {why}") from error
        if not token or not token.isprintable():
            raise self._token_missing("the file of the token has no token in its first line")
        return token

    def _token_missing(self, cause: str) -> TagwerkError:
        return TagwerkError(
            "erp_token_missing",
            cause,
            concern=str(self.token_file),
            next_step="Write the token of the ERP into that file, which only the service may read.",
        )
