"""Runs that ask for the same: one digest of job, client and parameters, by which they are found. Pure."""

import hashlib
import json
from collections.abc import Mapping
from typing import Any

import orjson

from shared.events import Requested


def digest_of(request: Requested) -> bytes | None:
    """None for what repeats nothing: a dry run, and a rerun of some records only."""
    if request.dry_run or request.only_records is not None:
        return None
    return parameters_digest(request.job, request.client, request.parameters)


def parameters_digest(job: str, client: str, parameters: Mapping[str, Any]) -> bytes:
    """16 bytes, equal for equal parameters in whatever order. What is null or an empty list is as good as
    left out."""
    given = {name: value for name, value in parameters.items() if value is not None and value != []}
    try:
        written = orjson.dumps([job, client, given], option=orjson.OPT_SORT_KEYS)
    except orjson.JSONEncodeError:
        # Integers beyond 64 bits and halves of surrogate pairs, which this encoder refuses.
        written = json.dumps([job, client, given], sort_keys=True).encode()
    return hashlib.blake2b(written, digest_size=16).digest()
