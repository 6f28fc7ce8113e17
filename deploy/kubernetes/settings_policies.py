"""Rules about what pods are told: variables that the settings know, and files that are there."""

import re
from collections.abc import Iterator
from pathlib import PurePosixPath
from typing import Any, Final

from pydantic_settings import BaseSettings

from deploy.kubernetes.policies import WORKLOADS, Installation, pod_of
from deploy.kubernetes.rendering import Resource, containers_of
from deploy.migrate import MigrateSettings
from deploy.provision import ProvisionSettings
from shared.settings import Settings

#: Variables that others read: the library of the files, the bus, the database.
_OF_OTHERS: Final = {
    "tagwerk": {"AWS_REGION", "AWS_ENDPOINT_URL", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"},
    "nats": {"POD_NAME", "STORE_LIMIT", "GOMEMLIMIT"},
    "postgres": {"POSTGRES_PASSWORD_FILE", "PGDATA"},
}
#: Module -> what it reads, where that is not what services read.
_SETTINGS: Final[dict[str, type[BaseSettings]]] = {
    "deploy.provision": ProvisionSettings,
    "deploy.migrate": MigrateSettings,
}
#: What tells a secret by its name.
_SECRET: Final = re.compile(r"password|secret|token|_key$|credential", re.IGNORECASE)


def environment_of(container: dict[str, Any], installation: Installation) -> dict[str, str]:
    """Variable -> value; empty for one that comes from elsewhere."""
    found: dict[str, str] = {}
    for source in container.get("envFrom", ()):
        name = source.get("configMapRef", {}).get("name")
        for resource in installation.of("ConfigMap"):
            if resource["metadata"]["name"] == name:
                found |= resource["data"]
    return found | {entry["name"]: entry.get("value", "") for entry in container.get("env", ())}


def image_of(container: dict[str, Any]) -> str:
    """`tagwerk` of `registry.example.com/tagwerk@sha256:…`."""
    return re.split(r"[:@]", container["image"].rpartition("/")[2])[0]


def sets_known_variables(resource: Resource, installation: Installation) -> Iterator[str]:
    if resource["kind"] not in WORKLOADS:
        return
    for container in containers_of(resource):
        settings = _SETTINGS.get(container.get("args", [""])[0], Settings)
        names = {f"TAGWERK_{name.upper()}" for name in settings.model_fields}
        known = names | {f"{name}_FILE" for name in names} | _OF_OTHERS[image_of(container)]
        told = environment_of(container, installation)
        for variable in sorted(set(told) - known):
            yield f"{container['name']}: {variable} is no setting of {settings.__module__}"
        if image_of(container) != "tagwerk":
            continue
        for name, field in settings.model_fields.items():
            variable = f"TAGWERK_{name.upper()}"
            if field.is_required() and not {variable, f"{variable}_FILE"} & set(told):
                yield f"{container['name']}: {variable} is required, and not set"


def holds_no_secrets(resource: Resource, installation: Installation) -> Iterator[str]:
    if resource["kind"] == "Secret":
        yield "contains a secret: manifests only name them"
    if resource["kind"] not in WORKLOADS:
        return
    for container in containers_of(resource):
        for variable, value in environment_of(container, installation).items():
            if _SECRET.search(variable) and value and not value.startswith("/"):
                yield f"{container['name']}: {variable} stands in the manifest: name a file of a Secret"
            if re.search(r"://[^/\s]*:[^/\s]*@", value):
                yield f"{container['name']}: {variable} holds a password: name a file of a Secret"


def finds_what_it_mounts(resource: Resource, installation: Installation) -> Iterator[str]:
    """Secrets, ConfigMaps and their keys are made here, or listed in k8s/secrets.example.yaml."""
    if resource["kind"] not in WORKLOADS:
        return
    volumes = {volume["name"]: volume for volume in pod_of(resource).get("volumes", ())}
    claimed = {claim["metadata"]["name"] for claim in resource["spec"].get("volumeClaimTemplates", ())}
    claims = {claim["metadata"]["name"] for claim in installation.of("PersistentVolumeClaim")}
    keys = {name: _keys(volume, installation) for name, volume in volumes.items()}
    for name, volume in volumes.items():
        if keys[name] is None:
            yield f"the volume {name} is of a Secret or ConfigMap that k8s/secrets.example.yaml does not list"
        if volume.get("persistentVolumeClaim", {"claimName": None})["claimName"] not in {*claims, None}:
            yield f"the volume {name} is of a claim that is not there"
    for container in containers_of(resource):
        mounts = {mount["mountPath"]: mount["name"] for mount in container.get("volumeMounts", ())}
        for name in sorted(set(mounts.values()) - set(volumes) - claimed):
            yield f"{container['name']}: mounts {name}, which is no volume of the pod"
        for variable, value in environment_of(container, installation).items():
            path = PurePosixPath(value)
            there = keys.get(mounts.get(str(path.parent), ""))
            if there and path.name not in there:
                yield f"{container['name']}: {variable} names {value}, which is no key listed for that volume"
        for entry in container.get("env", ()):
            reference = entry.get("valueFrom", {}).get("secretKeyRef")
            if reference and reference["key"] not in installation.keys.get(("Secret", reference["name"]), ()):
                yield f"{container['name']}: {entry['name']} is of a key that is listed nowhere"
        for source in container.get("envFrom", ()):
            for word, kind in (("secretRef", "Secret"), ("configMapRef", "ConfigMap")):
                if word in source and (kind, source[word]["name"]) not in installation.keys:
                    name = source[word]["name"]
                    yield f"{container['name']}: reads the {kind} {name}, which is listed nowhere"


def _keys(volume: dict[str, Any], installation: Installation) -> set[str] | None:
    """Files of a volume; empty for one that has none of its own, None for one that is listed nowhere."""
    if "secret" in volume:
        return installation.keys.get(("Secret", volume["secret"]["secretName"]))
    if "configMap" in volume:
        return installation.keys.get(("ConfigMap", volume["configMap"]["name"]))
    return set()


RULES: Final = (sets_known_variables, holds_no_secrets, finds_what_it_mounts)
