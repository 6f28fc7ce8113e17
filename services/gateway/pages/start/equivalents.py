"""The same start as a command, and as a call of the HTTP API: quoted so that they can be copied. Pure."""

import json
import shlex
from collections.abc import Mapping
from typing import Any

from shared.jobs import CatalogueEntry


def command(
    entry: CatalogueEntry,
    client: str | None,
    parameters: Mapping[str, Any],
    *,
    reason: str,
    dry_run: bool,
) -> str:
    """For a POSIX shell."""
    words = ["tagwerk", "start", entry.id]
    if client:
        words += ["--client", client]
    for name, value in parameters.items():
        for written in _written(value):
            words += ["-p", f"{name}={written}"]
    if dry_run:
        words.append("--dry-run")
    elif entry.asks_confirmation:
        words += ["--confirm", entry.id, "--reason", reason or "…"]
    elif reason:
        words += ["--reason", reason]
    return shlex.join(words)


def _written(value: Any) -> list[str]:
    """As the command line reads it: a list by naming the parameter several times, or as JSON where that would
    read as something else."""
    if isinstance(value, str):
        return [value]
    plain = isinstance(value, list) and value and all(isinstance(one, str) for one in value)
    if plain and not value[0].startswith("["):
        return list(value)
    return [json.dumps(value, ensure_ascii=False)]


def call(
    entry: CatalogueEntry,
    client: str | None,
    parameters: Mapping[str, Any],
    *,
    reason: str,
    dry_run: bool,
) -> str:
    """With curl, the address in `$URL` and a token in `$TOKEN`."""
    body: dict[str, Any] = {"client": client} if client else {}
    body["parameters"] = dict(parameters)
    if dry_run:
        body["dry_run"] = True
    elif entry.asks_confirmation:
        body |= {"confirm": entry.id, "reason": reason or "…"}
    elif reason:
        body["reason"] = reason
    data = shlex.quote(json.dumps(body, ensure_ascii=False))
    return (
        f'curl "$URL/api/v1/jobs/{entry.id}/runs" -H "Authorization: Bearer $TOKEN"'
        f" -H 'Content-Type: application/json' -d {data}"
    )
