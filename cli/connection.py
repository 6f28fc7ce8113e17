"""Where the gateway is and who we are: options, then the environment, then the local stack's file."""

import json
from dataclasses import dataclass
from pathlib import Path

from cli.exits import Exit
from cli.problems import Problem
from shared.errors import Failure

CREDENTIALS = "credentials.json"


@dataclass(frozen=True, slots=True)
class Connection:
    #: Base address without a slash at the end: `http://127.0.0.1:8080`.
    url: str
    #: Bearer token; None where the address answers without.
    token: str | None


def find_connection(url: str | None, token: str | None, state: Path) -> Connection:
    """The given address and token, completed from `<state>/credentials.json` (written by the local stack).

    The file's token is only sent to the file's own address. Raises `Problem` when there is no address.
    """
    known = _credentials(state / CREDENTIALS)
    address = (url or known.get("url", "")).rstrip("/")
    if not address:
        raise Problem(
            "No address of Tagwerk is known",
            Failure(
                code="address_unknown",
                cause="neither --url nor TAGWERK_URL is set, and no local stack has left its address",
                concern=str(state / CREDENTIALS),
                next_step="Start the local stack with `make up`; if it runs, name its state folder with "
                "--state-dir, or give --url and --token.",
            ),
            Exit.UNREACHABLE,
        )
    if not address.startswith(("http://", "https://")):
        raise Problem(
            "The address is none",
            Failure(
                code="address_invalid",
                cause=f"{address} does not begin with http:// or https://",
                concern="--url",
                next_step="Write it like http://127.0.0.1:8080.",
            ),
            Exit.USAGE,
        )
    if token is None and address == known.get("url", "").rstrip("/"):
        token = known.get("token")
    return Connection(address, token)


def _credentials(path: Path) -> dict[str, str]:
    try:
        content = json.loads(path.read_text())
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise Problem(
            "The sign-in cannot be read",
            Failure(
                code="credentials_unreadable",
                cause=str(error),
                concern=str(path),
                next_step="Use the account that started the stack, or make a new one with `tagwerk sign-in`.",
            ),
            Exit.REFUSED,
        ) from error
    return {key: value for key, value in content.items() if isinstance(value, str)}
