"""Ids of documents, payment files and reports as people type them: bare, or as a record key names them."""

from uuid import UUID

from cli.problems import wrong_use


def document_id(written: str) -> UUID:
    """Raises `Problem` (usage)."""
    return _id(written, "document", "document id", "`tagwerk upload` prints it, and `tagwerk run` too.")


def file_id(written: str) -> UUID:
    """Of a payment file. Raises `Problem` (usage)."""
    return _id(written, "payment-file", "id of a payment file", "`tagwerk payment-files` lists them.")


def report_id(written: str) -> UUID:
    """Raises `Problem` (usage)."""
    return _id(written, "report", "id of a report", "`tagwerk reports list` names them.")


def _id(written: str, prefix: str, what: str, next_step: str) -> UUID:
    try:
        return UUID(written.removeprefix(f"{prefix}:"))
    except ValueError:
        raise wrong_use(f"{written!r} is no {what}", next_step=next_step) from None
