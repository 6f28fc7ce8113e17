"""The clients' mailboxes, from which documents are brought in: a TOML file, checked when the service starts.

    [[clients.main.mailboxes]]
    name = "invoices"
    host = "imap.example.org"
    port = 993                          # optional, as security, folder, imported, refused and ca_file are
    security = "tls"                    # or "starttls"; "none" on this machine only
    user = "invoices@example.org"
    password_file = "invoices.password" # beside this file, or an absolute path; its first line
    folder = "INBOX"
    imported = "Imported"               # where a mail goes once its document is stored
    refused = "Refused"                 # where a mail goes that becomes no document

The password stands in a file of its own: this one is shown in the audit log whenever it changes.
"""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from shared.clients.imap import ImapAddress, Security
from shared.errors import TagwerkError, wrong_fields

_LOOPBACK: Final = frozenset({"127.0.0.1", "::1", "localhost"})
_PORTS: Final[Mapping[Security, int]] = {"tls": 993, "starttls": 143, "none": 143}
_FOLDER: Final = Field(min_length=1, max_length=200, pattern=r"^[^\x00-\x1f\x7f]+$")


class Mailbox(BaseModel):
    """One mailbox of a client."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    #: By which people name it.
    name: str = Field(pattern=r"^[a-z0-9][a-z0-9-]{0,39}$")
    host: str = Field(min_length=1, max_length=253)
    port: int = Field(default=0, ge=0, le=65_535)
    security: Security = "tls"
    ca_file: Path | None = None
    user: str = Field(min_length=1, max_length=320, pattern=r"^[^\x00-\x1f\x7f]+$")
    password_file: Path
    folder: str = _FOLDER
    imported: str = _FOLDER
    refused: str = _FOLDER

    @model_validator(mode="before")
    @classmethod
    def _fill_in(cls, given: Any) -> Any:
        if isinstance(given, dict) and "password" in given:
            # Before anything could quote it.
            raise ValueError("password: it belongs into a file of its own, which password_file names")
        return {"folder": "INBOX", "imported": "Imported", "refused": "Refused", **given}

    @model_validator(mode="after")
    def _check(self) -> "Mailbox":
        if self.security == "none" and self.host not in _LOOPBACK:
            raise ValueError(
                f"security: to {self.host} the password would go unencrypted; use tls or starttls"
            )
        if len({self.folder, self.imported, self.refused}) < 3:
            raise ValueError("folder, imported and refused have to be three different folders")
        return self

    def address(self) -> ImapAddress:
        """With the password as it is now: it can be renewed while the service runs. Raises
        `mail_password_missing`."""
        try:
            password = self.password_file.read_text(encoding="utf-8").partition("\n")[0].rstrip("\r")
        except (OSError, UnicodeDecodeError) as error:
            why = error.strerror if isinstance(error, OSError) else "it is no text"
            raise self._password_missing(f"the password file cannot be read: {why}") from error
        if not password:
            raise self._password_missing("the password file is empty")
        port = self.port or _PORTS[self.security]
        return ImapAddress(self.host, port, self.user, password, self.security, self.ca_file)

    def _password_missing(self, cause: str) -> TagwerkError:
        return TagwerkError(
            "mail_password_missing",
            cause,
            concern=str(self.password_file),
            next_step=f"Write the password of the mailbox {self.name} into that file, which only the "
            "service may read.",
        )


class _Client(BaseModel):
    model_config = ConfigDict(extra="forbid")

    mailboxes: list[Mailbox] = Field(min_length=1)


class _File(BaseModel):
    model_config = ConfigDict(extra="forbid")

    clients: dict[str, _Client]


@dataclass(frozen=True, slots=True)
class Mailboxes:
    """Client -> mailboxes, in the order of the file."""

    of: Mapping[str, tuple[Mailbox, ...]]

    def chosen(self, client: str, name: str | None) -> tuple[Mailbox, ...]:
        """One mailbox of the client, or all. Raises `mailbox_unknown`."""
        own = self.of.get(client, ())
        chosen = tuple(one for one in own if name is None or one.name == name)
        if name is not None and not chosen:
            known = ", ".join(one.name for one in own) or "it has none"
            raise TagwerkError(
                "mailbox_unknown",
                f"{name} is no mailbox of client {client}; known: {known}",
                concern="mailbox",
                next_step="Name one of these, or add it to the file that TAGWERK_MAILBOXES_FILE names.",
            )
        return chosen


NO_MAILBOXES: Final = Mailboxes({})


def read_mailboxes(path: Path | None) -> Mailboxes:
    """The mailboxes in the file at `path`; none without a file. Raises `mailboxes_file_invalid`."""
    if path is None:
        return NO_MAILBOXES
    try:
        file = _File.model_validate(tomllib.loads(path.read_text(encoding="utf-8")))
    except OSError as error:
        raise _invalid(path, f"it cannot be read: {error.strerror or error}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise _invalid(path, f"it is no TOML: {error}") from error
    except ValidationError as error:
        # Without the error itself, which holds what was written.
        raise _invalid(path, wrong_fields(error)) from None
    found = {}
    for client, entry in file.clients.items():
        names = [one.name for one in entry.mailboxes]
        if len(set(names)) < len(names):
            raise _invalid(path, f"clients.{client}.mailboxes: two have the same name")
        for one in entry.mailboxes:
            if one.ca_file is not None and not (path.parent / one.ca_file).is_file():
                raise _invalid(path, f"clients.{client}.mailboxes: there is no file {one.ca_file}")
        found[client] = tuple(
            one.model_copy(
                update={
                    "password_file": path.parent / one.password_file,
                    "ca_file": None if one.ca_file is None else path.parent / one.ca_file,
                }
            )
            for one in entry.mailboxes
        )
    return Mailboxes(found)


def _invalid(path: Path, cause: str) -> TagwerkError:
    return TagwerkError(
        "mailboxes_file_invalid",
        cause,
        concern=str(path),
        next_step="Correct the file, or the setting TAGWERK_MAILBOXES_FILE that names it; docs/operations.md "
        "shows how it is written. Then start the service again.",
    )
