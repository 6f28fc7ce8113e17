"""Whether resources are what the API server, and the operators' own kinds, take: strictly, as `kubectl apply
--validate=strict` asks. Where the schemas come from stands in k8s/schemas/README.md."""

import json
from functools import cache
from pathlib import Path
from typing import Any, Final

from jsonschema import Draft202012Validator
from jsonschema.exceptions import best_match

from deploy.kubernetes.peers import K8S

_FOLDER: Final = K8S / "schemas"


def faults(resource: dict[str, Any]) -> list[str]:
    """What is wrong with it, in words; nothing for one that fits."""
    kind = f"{resource.get('apiVersion')}/{resource.get('kind')}"
    validator = _validators().get(kind)
    if validator is None:
        return [f"no schema of {kind} lies in k8s/schemas"]
    error = best_match(validator.iter_errors(resource))
    return [] if error is None else [f"{error.json_path.removeprefix('$.')}: {_short(error.message)}"]


@cache
def _validators() -> dict[str, Draft202012Validator]:
    return {kind: validator for file in sorted(_FOLDER.glob("*.json")) for kind, validator in _read(file)}


def _read(file: Path) -> list[tuple[str, Draft202012Validator]]:
    content = json.loads(file.read_text())
    shared = content.get("$defs", {})
    return [
        (kind, Draft202012Validator({**schema, "$defs": shared})) for kind, schema in content["kinds"].items()
    ]


def _short(message: str) -> str:
    return message if len(message) <= 200 else f"{message[:100]} … {message[-90:]}"
