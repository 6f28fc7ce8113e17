"""Decisions of the gateway that need nothing but what they are given. Pure."""

import re
from collections.abc import Iterable, Mapping
from typing import Any
from uuid import UUID

import orjson

from services.gateway.identity.asker import Asker
from shared.access import (
    ADMINISTRATOR,
    EVERY_CLIENT,
    Action,
    Principal,
    decide_access,
)
from shared.commands import Scope
from shared.errors import TagwerkError
from shared.events import DocumentUploaded
from shared.ids import run_id_of
from shared.incoming import takes_files
from shared.jobs import CatalogueEntry
from shared.runner.dry_run import not_supported

#: Names of clients are parts of paths in the file store.
CLIENT_PATTERN = r"^[a-z0-9][a-z0-9._-]{0,62}$"

#: The client that somebody who acts for every client means if they name none.
MAIN_CLIENT = "main"

#: Bytes that the keys of a partial rerun may take: they travel in one message of at most 1 MB.
KEYS_LIMIT = 600_000


def is_client_name(client: str) -> bool:
    return re.fullmatch(CLIENT_PATTERN, client) is not None


def client_of(principal: Principal, wanted: str | None) -> str:
    """For which client a request is meant. Raises `client_ambiguous`, `client_missing`.

    Whether the principal acts for it is another question.
    """
    if wanted is not None:
        return wanted
    if EVERY_CLIENT in principal.clients:
        return MAIN_CLIENT
    clients = sorted(principal.clients)
    match clients:
        case [only]:
            return only
        case []:
            raise TagwerkError(
                "client_missing",
                f"{principal.id} acts for no client",
                concern=principal.id,
                next_step="Ask an administrator to give you the clients that you work for.",
            )
        case _:
            raise TagwerkError(
                "client_ambiguous",
                f"{principal.id} acts for several clients: {', '.join(clients)}",
                concern="client",
                next_step="Name one of them in `client`.",
            )


def client_of_form(principal: Principal, fields: Mapping[str, str]) -> str:
    """For which client a form with the field `client` is meant. Raises what `client_of` does, and
    `client_not_found` for what can be no client's name."""
    client = client_of(principal, fields.get("client") or None)
    if not is_client_name(client):
        raise client_not_found(client)
    return client


def client_not_found(client: str) -> TagwerkError:
    return TagwerkError(
        "client_not_found",
        f"there is no client {client} that you act for",
        concern=client,
        next_step="Check the name; `GET /api/v1/me` names your clients.",
    )


def job_not_found(job: str) -> TagwerkError:
    return TagwerkError(
        "job_not_found",
        f"there is no job {job} that you may see",
        concern=job,
        next_step="Check the id; `GET /api/v1/jobs` lists the jobs that you may see.",
    )


def run_not_found(run_id: UUID) -> TagwerkError:
    return TagwerkError(
        "run_not_found",
        f"there is no run {run_id} that you may see",
        concern=str(run_id),
        next_step="Check the id; right after a request, name its sequence in `at_least`.",
    )


def document_not_found(document_id: UUID) -> TagwerkError:
    return TagwerkError(
        "document_not_found",
        f"there is no document {document_id} that you may see",
        concern=str(document_id),
        next_step="Check the id, and whether you act for the client of the document.",
    )


def refuse_retired(entry: CatalogueEntry) -> None:
    if entry.retired:
        raise TagwerkError(
            "job_retired",
            f"{entry.id} is offered by no service any more; its runs can still be read",
            concern=entry.id,
            next_step="Look for its successor in `GET /api/v1/jobs`.",
        )


def check_confirmation(
    entry: CatalogueEntry, confirm: str | None, reason: str | None, *, dry_run: bool = False
) -> None:
    """A dangerous or risky job wants its id typed, and a reason; a dry run of it does no harm.

    Raises `confirmation_required`.
    """
    if dry_run or not entry.asks_confirmation or is_confirmed(entry, confirm, reason):
        return
    kind = "risky to repeat" if entry.danger is None else f"dangerous ({entry.danger.replace('_', ' ')})"
    raise TagwerkError(
        "confirmation_required",
        f"{entry.title} is {kind}: {entry.repeat}",
        concern=entry.id,
        next_step=f"Send `confirm` = {entry.id} and a `reason`, if you are sure.",
    )


def is_confirmed(entry: CatalogueEntry, confirm: str | None, reason: str | None) -> bool:
    return confirm == entry.id and bool((reason or "").strip())


def refuse_unknown_dry_run(entry: CatalogueEntry, *, dry_run: bool) -> None:
    """Raises `dry_run_not_supported`: nothing is started that would do more than was asked for."""
    if dry_run and not entry.dry_run:
        failure = not_supported(entry.id)
        raise TagwerkError(failure.code, failure.cause, concern=failure.concern, next_step=failure.next_step)


def scope_of(principal: Principal, visible: Iterable[CatalogueEntry], at_least: int = 0) -> dict[str, Any]:
    """What a query of this principal may see, as the fields that every query has. `visible`: the jobs that
    they may see."""
    everywhere = EVERY_CLIENT in principal.clients and principal.active
    limit = principal.jobs if isinstance(principal, Asker) else None
    every_job = ADMINISTRATOR in principal.roles and principal.active
    ids = frozenset(entry.id for entry in visible)
    seen = limit if every_job else ids if limit is None else ids & limit
    scope = Scope(clients=None if everywhere else principal.clients, jobs=seen)
    return {"scope": scope, "at_least": at_least}


def runs_caused(
    event: DocumentUploaded, author: Principal, asking: Principal, jobs: Iterable[CatalogueEntry]
) -> dict[str, UUID]:
    """Job -> run of the runs that an upload causes, those that the asker may see."""
    return {
        entry.id: run_id_of(event.client, event.principal, entry.id, str(event.id))
        for entry in jobs
        if entry.on == event.type
        and not entry.retired
        and decide_access(author, entry.access, Action.START, event.client).allowed
        and decide_access(asking, entry.access, Action.SEE, event.client).allowed
    }


def roles_missing_for_upload(principal: Principal, client: str, jobs: Iterable[CatalogueEntry]) -> list[str]:
    """Any of these roles would let the principal upload; none if they may.

    Where uploads start jobs, at least one has to be theirs to start: otherwise an upload would lead to
    nothing but dead letters.
    """
    waiting = [entry for entry in jobs if entry.on == "event.document.uploaded" and not entry.retired]
    decisions = [decide_access(principal, entry.access, Action.START, client) for entry in waiting]
    if any(decision.allowed for decision in decisions):
        return []
    return sorted({role for entry in waiting for role in entry.access.roles})


def roles_missing_for_files(
    principal: Principal, client: str, jobs: Iterable[CatalogueEntry]
) -> list[str] | None:
    """None if the principal may start some job that takes a file, else the roles of which any would do."""
    readers = [entry for entry in jobs if takes_files(entry.parameters) and not entry.retired]
    if any(decide_access(principal, entry.access, Action.START, client).allowed for entry in readers):
        return None
    return sorted({role for entry in readers for role in entry.access.roles})


def why_not_grant(giver: Principal, *accounts: Principal | None) -> str | None:
    """Why `giver` may not make or change these accounts: nobody gives what they do not have."""
    for account in accounts:
        if account is None:
            continue
        if ADMINISTRATOR in account.roles and ADMINISTRATOR not in giver.roles:
            return f"{account.id} is an administrator; only another one may change that"
        foreign = sorted(client for client in account.clients if not giver.may_act_for(client))
        if foreign:
            return f"{giver.id} does not act for {', '.join(foreign)}"
    return None


def keys_for_rerun(run_id: UUID, keys: list[str], counts: Mapping[str, int]) -> list[str]:
    """The records of a partial rerun. Raises `nothing_failed`, `too_many_failed`."""
    if not keys:
        raise TagwerkError(
            "nothing_failed",
            f"no record of run {run_id} failed or is in doubt ({sum(counts.values())} records)",
            concern=str(run_id),
            next_step='Rerun everything with `{"only": "all"}` if that is what you want.',
        )
    if sum(len(key.encode()) + 4 for key in keys) > KEYS_LIMIT:
        raise TagwerkError(
            "too_many_failed",
            f"{len(keys):,} records failed; that many cannot be named in one request",
            concern=str(run_id),
            next_step='Rerun everything with `{"only": "all"}`; what is done already stays unchanged.',
        )
    return keys


def client_of_payload(payload_hex: str) -> str | None:
    """The client that a dead letter's message names, if it names one."""
    try:
        content = orjson.loads(bytes.fromhex(payload_hex))
    except ValueError:
        return None
    client = content.get("client") if isinstance(content, dict) else None
    return client if isinstance(client, str) else None


_UNSAFE = re.compile(r"[\x00-\x1f\x7f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]")


def safe_file_name(name: str) -> str:
    """The last part of what a client calls a file, without characters that mislead or break."""
    last = re.split(r"[/\\]", name)[-1]
    clean = _UNSAFE.sub("", last).strip(" .")
    return clean.encode()[:200].decode(errors="ignore") or "document"
