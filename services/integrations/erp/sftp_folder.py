"""A folder on an SFTP server, as the file of rules names it:

    sftp = { host = "sftp.example.org", user = "acme", folder = "import", known_hosts = "datev.known_hosts",
             password_file = "datev.password" }     # or key_file = "datev.key"; port = 22

Passwords and keys stand in files of their own: the one of the rules is shown in the audit log whenever it
changes. They are read at each sign-in, so they can be renewed while the service runs.
"""

from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, model_validator

from shared.clients.sftp import SftpAddress
from shared.errors import TagwerkError


class SftpFolder(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    host: str = Field(min_length=1, max_length=253)
    port: int = Field(default=22, ge=1, le=65_535)
    user: str = Field(min_length=1, max_length=320)
    #: From the user's home, or absolute.
    folder: str = Field(min_length=1, max_length=500, pattern=r"^[^\x00-\x1f\x7f]+$")
    known_hosts: Path
    password_file: Path | None = None
    key_file: Path | None = None

    @model_validator(mode="after")
    def _check(self) -> "SftpFolder":
        if (self.password_file is None) == (self.key_file is None):
            raise ValueError("sftp: it needs either a password_file or a key_file")
        return self

    def beside(self, path: Path) -> "SftpFolder":
        """With its files found from where `path` lies."""
        files = ("known_hosts", "password_file", "key_file")
        named = {name: getattr(self, name) for name in files}
        return self.model_copy(
            update={name: path.parent / file for name, file in named.items() if file is not None}
        )

    def address(self) -> SftpAddress:
        """With the password as it is now. Raises `sftp_password_missing`."""
        return SftpAddress(
            self.host, self.port, self.user, self.known_hosts, self.key_file,
            None if self.password_file is None else _password(self.password_file),
        )  # fmt: skip


def _password(file: Path) -> str:
    try:
        password = file.read_text(encoding="utf-8").partition("\n")[0].rstrip("\r")
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is no text"
        raise _missing(file, f"the password file cannot be read: {why}") from error
    if not password:
        raise _missing(file, "the password file is empty")
    return password


def _missing(file: Path, cause: str) -> TagwerkError:
    return TagwerkError(
        "sftp_password_missing",
        cause,
        concern=str(file),
        next_step="Write the password of the SFTP user into that file, which only the service may read.",
    )
