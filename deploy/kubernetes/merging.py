"""Patches as kustomize applies them: maps are merged, lists of named things by name, others replaced."""

import copy
from typing import Any, Final

#: Field of Kubernetes' own kinds -> what its entries are told apart by (`patchMergeKey` of the API).
_KEYS: Final = {
    "containers": "name",
    "initContainers": "name",
    "env": "name",
    "volumes": "name",
    "volumeMounts": "mountPath",
    "imagePullSecrets": "name",
    "topologySpreadConstraints": "topologyKey",
}
#: Entries of `ports` are told apart by another field in a container than in a service.
_PORTS: Final = ("containerPort", "port")
#: Groups of Kubernetes itself; in other kinds every list is replaced, as nothing says how to merge it.
_BUILT_IN: Final = ("v1", "apps/", "batch/", "policy/", "networking.k8s.io/")


def patched(resource: dict[str, Any], patch: dict[str, Any]) -> dict[str, Any]:
    """`resource` with a strategic merge patch applied. Neither is changed."""
    named = resource["apiVersion"] == "v1" or resource["apiVersion"].startswith(_BUILT_IN[1:])
    merged = _maps(resource, patch, named)
    merged["metadata"]["name"] = resource["metadata"]["name"]
    merged["kind"], merged["apiVersion"] = resource["kind"], resource["apiVersion"]
    return merged


def _maps(old: dict[str, Any], new: dict[str, Any], named: bool) -> dict[str, Any]:
    merged = copy.deepcopy(old)
    for field, value in new.items():
        if value is None:
            merged.pop(field, None)
        elif isinstance(value, dict):
            before = merged.get(field)
            merged[field] = _maps(before if isinstance(before, dict) else {}, value, named)
        elif isinstance(value, list) and isinstance(merged.get(field), list) and named:
            merged[field] = _lists(field, merged[field], value)
        else:
            merged[field] = copy.deepcopy(value)
    return merged


def _lists(field: str, old: list[Any], new: list[Any]) -> list[Any]:
    key = _KEYS.get(field)
    if field == "ports":
        key = next((port for port in _PORTS if new and port in new[0]), None)
    if key is None:
        return copy.deepcopy(new)
    merged = {entry[key]: entry for entry in old}
    added = {}
    for entry in new:
        if entry.get("$patch") == "delete":
            merged.pop(entry[key], None)
        elif entry[key] in merged:
            merged[entry[key]] = _maps(merged[entry[key]], entry, True)
        else:
            added[entry[key]] = copy.deepcopy(entry)
    # kustomize puts what a patch adds before what was there.
    return [*added.values(), *merged.values()]
