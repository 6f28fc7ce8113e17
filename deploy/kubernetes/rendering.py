"""`kustomize build` for what `k8s/` uses of it, in Python alone: see docs/adr/0034.

What it does not know it refuses. A test compares it with `kubectl kustomize` where that is installed.
"""

import hashlib
import json
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final

import yaml

from deploy.kubernetes.merging import patched
from shared.errors import TagwerkError

Resource = dict[str, Any]

_FIELDS: Final = {
    *("apiVersion", "kind", "namespace", "resources", "components", "labels", "patches", "images"),
    *("configMapGenerator", "replicas"),
}
#: Kinds that lie in no namespace.
_GLOBAL: Final = ("Namespace",)
#: kustomize spells the first ten digits of a hash without vowels and with no figure that looks like a letter.
_SPELLING: Final = str.maketrans("013ae", "ghkmt")


def render(folder: Path) -> list[Resource]:
    """All resources of the kustomization in `folder`. Raises `TagwerkError` (`kustomization_unsupported`)."""
    resources = _accumulate(folder, [])
    _name_by_content(resources)
    return resources


def _accumulate(folder: Path, given: list[Resource]) -> list[Resource]:
    """`given`: what a component is to change."""
    file = folder / "kustomization.yaml"
    what: dict[str, Any] = yaml.safe_load(file.read_text())
    if unknown := sorted(set(what) - _FIELDS):
        raise _unsupported(file, f"{', '.join(unknown)}")
    resources = list(given)
    for name in what.get("resources", ()):
        path = folder / name
        resources += _accumulate(path, []) if path.is_dir() else read(path)
    for generator in what.get("configMapGenerator", ()):
        _generate(resources, generator, folder, file)
    for name in what.get("components", ()):
        resources = _accumulate(folder / name, resources)
    for entry in what.get("patches", ()):
        resources = _patch(resources, entry, folder, file)
    for resource in resources:
        _transform(resource, what)
    return resources


def read(file: Path) -> list[Resource]:
    """The documents of a YAML file."""
    return [document for document in yaml.safe_load_all(file.read_text()) if document]


def _generate(resources: list[Resource], generator: dict[str, Any], folder: Path, file: Path) -> None:
    if unknown := sorted(set(generator) - {"name", "files", "envs", "behavior"}):
        raise _unsupported(file, f"configMapGenerator with {', '.join(unknown)}")
    data = {}
    for entry in generator.get("files", ()):
        key, _, path = entry.rpartition("=")
        data[key or Path(path).name] = (folder / path).read_text()
    for entry in generator.get("envs", ()):
        lines = (line.strip() for line in (folder / entry).read_text().splitlines())
        data |= dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))
    name = generator["name"]
    if generator.get("behavior") == "merge":
        found = next(
            (r for r in resources if r["kind"] == "ConfigMap" and r["metadata"]["name"] == name), None
        )
        if found is None:
            raise _unsupported(file, f"merging into the ConfigMap {name}, which is not there")
        found["data"] = {**found["data"], **data}
        return
    resources.append(
        {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": {"name": name, "annotations": {_GENERATED: "true"}},
            "data": data,
        }
    )


#: Marks a ConfigMap whose name gets a hash; taken away at the end.
_GENERATED: Final = "generated"


def _patch(resources: list[Resource], entry: dict[str, Any], folder: Path, file: Path) -> list[Resource]:
    if unknown := sorted(set(entry) - {"path", "patch", "target"}):
        raise _unsupported(file, f"patches with {', '.join(unknown)}")
    text = (folder / entry["path"]).read_text() if "path" in entry else entry["patch"]
    for patch in yaml.safe_load_all(text):
        if not isinstance(patch, dict):
            raise _unsupported(file, "patches of single fields (JSON 6902)")
        target = entry.get("target") or {"kind": patch["kind"], "name": re.escape(patch["metadata"]["name"])}
        hit = [resource for resource in resources if _is_target(resource, target, file)]
        if not hit:
            raise _unsupported(file, f"a patch for {target}, which nothing fits")
        if patch.get("$patch") == "delete":
            resources = [resource for resource in resources if resource not in hit]
        else:
            resources = [patched(r, patch) if r in hit else r for r in resources]
    return resources


def _is_target(resource: Resource, target: dict[str, str], file: Path) -> bool:
    if unknown := sorted(set(target) - {"kind", "name", "labelSelector"}):
        raise _unsupported(file, f"a target with {', '.join(unknown)}")
    metadata = resource["metadata"]
    labels = metadata.get("labels", {}).items()
    wanted = (part.partition("=") for part in target.get("labelSelector", "").split(",") if part)
    return (
        re.fullmatch(target.get("kind", ".*"), resource["kind"]) is not None
        and re.fullmatch(target.get("name", ".*"), metadata["name"]) is not None
        and all((key, value) in labels for key, _, value in wanted)
    )


def _transform(resource: Resource, what: dict[str, Any]) -> None:
    metadata = resource["metadata"]
    if "namespace" in what and resource["kind"] not in _GLOBAL:
        metadata["namespace"] = what["namespace"]
    for labels in what.get("labels", ()):
        metadata["labels"] = {**metadata.get("labels", {}), **labels["pairs"]}
        spec = resource.get("spec", {}) if labels.get("includeTemplates") else {}
        for template in (
            *([spec["template"]] if "template" in spec else ()),
            *spec.get("volumeClaimTemplates", ()),
        ):
            template["metadata"]["labels"] = {**template["metadata"].get("labels", {}), **labels["pairs"]}
    for replicas in what.get("replicas", ()):
        if metadata["name"] == replicas["name"] and resource["kind"] in ("Deployment", "StatefulSet"):
            resource["spec"]["replicas"] = replicas["count"]
    for image in what.get("images", ()):
        for container in containers_of(resource):
            container["image"] = _image(container["image"], image)


def _image(written: str, image: dict[str, str]) -> str:
    name = re.split(r"[:@]", written, maxsplit=1)[0]
    if name != image["name"]:
        return written
    end = f"@{image['digest']}" if "digest" in image else f":{image['newTag']}"
    return image.get("newName", name) + end


def _name_by_content(resources: Iterable[Resource]) -> None:
    """A generated ConfigMap is called by its content, so that pods start anew when it changes."""
    renamed = {}
    for resource in resources:
        metadata = resource["metadata"]
        if metadata.get("annotations", {}).pop(_GENERATED, None) is not None:
            if not metadata["annotations"]:
                del metadata["annotations"]
            renamed[metadata["name"]] = f"{metadata['name']}-{_hash(resource['data'])}"
            metadata["name"] = renamed[metadata["name"]]
    for resource in resources:
        for volume in _pod_of(resource).get("volumes", ()):
            if "configMap" in volume:
                reference = volume["configMap"]
                reference["name"] = renamed.get(reference["name"], reference["name"])
        for container in containers_of(resource):
            for source in container.get("envFrom", ()):
                if "configMapRef" in source:
                    reference = source["configMapRef"]
                    reference["name"] = renamed.get(reference["name"], reference["name"])


def _hash(data: dict[str, str]) -> str:
    # kustomize means to put the name in, and puts none.
    text = json.dumps(
        {"data": dict(sorted(data.items())), "kind": "ConfigMap", "name": ""},
        separators=(",", ":"),
        ensure_ascii=False,
    )
    # Go writes these three as escapes.
    for character in "&<>":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return hashlib.sha256(text.encode()).hexdigest()[:10].translate(_SPELLING)


def _pod_of(resource: Resource) -> dict[str, Any]:
    pod: dict[str, Any] = resource.get("spec", {}).get("template", {}).get("spec", {})
    return pod


def containers_of(resource: Resource) -> list[dict[str, Any]]:
    """Of the pods that it makes, those that prepare included."""
    pod = _pod_of(resource)
    return [*pod.get("initContainers", ()), *pod.get("containers", ())]


def _unsupported(file: Path, what: str) -> TagwerkError:
    return TagwerkError(
        "kustomization_unsupported",
        f"the check cannot render {what}",
        concern=str(file),
        next_step="Say it in another way, or teach deploy/kubernetes/rendering.py, compared with kubectl.",
    )
