"""Cut the schemas of the kinds that we use out of what the projects publish.

`python k8s/schemas/make.py kubernetes FOLDER` takes the folder `v1.34.0-local-strict` of the wheel
`kubernetes-validate`; `python k8s/schemas/make.py NAME FILE` the YAML of a custom resource definition. Both
write `k8s/schemas/NAME.json`.
"""

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

HERE = Path(__file__).parent
#: Files of the wheel, by kind and API.
KINDS = (
    "namespace-v1",
    "serviceaccount-v1",
    "configmap-v1",
    "secret-v1",
    "service-v1",
    "persistentvolumeclaim-v1",
    "deployment-apps-v1",
    "statefulset-apps-v1",
    "job-batch-v1",
    "networkpolicy-networking-v1",
    "ingress-networking-v1",
    "poddisruptionbudget-policy-v1",
)
#: Words of a schema that say nothing about what is valid.
SILENT = {"description", "default", "title", "$schema"}


def slim(schema: Any, *, names: bool = False) -> Any:
    """Without descriptions; references lead within the file. `names`: the keys are names and not words."""
    if isinstance(schema, list):
        return [slim(entry) for entry in schema]
    if not isinstance(schema, dict):
        return schema
    return {
        key: f"#{value.partition('#')[2]}"
        if key == "$ref" and isinstance(value, str)
        else slim(value, names=key in ("properties", "$defs") and not names)
        for key, value in schema.items()
        if names or not (key in SILENT or key.startswith("x-"))
    }


def references(schema: Any) -> Iterator[str]:
    for key, value in schema.items() if isinstance(schema, dict) else enumerate(schema):
        if key == "$ref" and isinstance(value, str):
            yield value.rpartition("/")[2]
        elif isinstance(value, dict | list):
            yield from references(value)


def of_kubernetes(folder: Path) -> dict[str, Any]:
    """The kinds, and the definitions that they lead to."""
    shared = json.loads((folder / "_definitions.json").read_text())["$defs"]
    kinds = {}
    for name in KINDS:
        schema = slim(json.loads((folder / f"{name}.json").read_text()))
        properties = schema["properties"]
        properties.pop("status", None)
        kinds[f"{properties['apiVersion']['enum'][0]}/{properties['kind']['enum'][0]}"] = schema
    needed: dict[str, Any] = {}
    open_ = list(references(kinds))
    while open_:
        if (name := open_.pop()) not in needed:
            needed[name] = slim(shared[name])
            open_ += references(needed[name])
    return {"kinds": kinds, "$defs": needed}


def strict(schema: Any, *, names: bool = False) -> Any:
    """A map with properties takes no others, as the API server has it with strict validation."""
    if isinstance(schema, list):
        return [strict(entry) for entry in schema]
    if not isinstance(schema, dict):
        return schema
    made = {key: strict(value, names=key == "properties" and not names) for key, value in schema.items()}
    if not names and "properties" in made and "additionalProperties" not in made:
        made["additionalProperties"] = False
    return made


def of_definition(file: Path) -> dict[str, Any]:
    spec = yaml.safe_load(file.read_text())["spec"]
    version = next(version for version in spec["versions"] if version["storage"])
    schema = strict(slim(version["schema"]["openAPIV3Schema"]))
    schema["properties"].pop("status", None)
    return {"kinds": {f"{spec['group']}/{version['name']}/{spec['names']['kind']}": schema}}


def main() -> None:
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    name, source = sys.argv[1], Path(sys.argv[2])
    made = of_kubernetes(source) if name == "kubernetes" else of_definition(source)
    (HERE / f"{name}.json").write_text(json.dumps(made, separators=(",", ":"), sort_keys=True) + "\n")


if __name__ == "__main__":
    main()
