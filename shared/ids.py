"""Identifiers: sortable where they are new, derived where the same thing must get the same id again."""

from uuid import UUID, uuid5

from uuid_utils import compat

#: Namespace of all ids that Tagwerk derives; never change it, ids in history depend on it.
NAMESPACE = UUID("7a9d5c0e-1b1f-5e1c-9c63-7d0f5b6a2e11")


def new_id() -> UUID:
    """A new UUIDv7: unique, and sortable by the time of its making."""
    return compat.uuid7()


def derived_id(*parts: str) -> UUID:
    """The UUIDv5 of `parts`: the same parts give the same id on every machine."""
    return uuid5(NAMESPACE, "\n".join(parts))


def run_id_of(client: str, principal: str, job: str, idempotency_key: str) -> UUID:
    """The id of the one run that this request may cause, however often it is sent."""
    return derived_id("run", client, principal, job, idempotency_key)


def document_id_of(client: str, sha256: str) -> UUID:
    """The id of a client's document with this content (`sha256` in lower-case hex)."""
    return derived_id("document", client, sha256)
