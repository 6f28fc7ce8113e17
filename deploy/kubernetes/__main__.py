"""`python -m deploy.kubernetes [FOLDER...]`: render overlays, validate them, and hold them to the policies.

Without a folder those in `k8s/`.
"""

import sys
from pathlib import Path

from deploy.kubernetes import policies, schemas, settings_policies
from deploy.kubernetes.peers import K8S
from deploy.kubernetes.policies import Installation
from deploy.kubernetes.rendering import Resource, read, render
from shared.errors import TagwerkError

#: What the manifests expect to find and do not contain.
EXPECTED = K8S / "secrets.example.yaml"
RULES = (*policies.RULES, *settings_policies.RULES)


def overlays() -> list[Path]:
    return sorted(file.parent for file in (K8S / "overlays").glob("*/kustomization.yaml"))


def faults(resources: list[Resource], expected: list[Resource]) -> list[str]:
    """What is wrong with an installation; `expected` are the objects that an administrator makes."""
    installation = Installation(resources, expected)
    return [fault for resource in resources for fault in faults_of(resource, installation)]


def faults_of(resource: Resource, installation: Installation) -> list[str]:
    """What is wrong with one resource of it, each with kind and name before."""
    found = schemas.faults(resource)
    # What is no valid resource cannot be asked further.
    found = found or [fault for rule in RULES for fault in rule(resource, installation)]
    return [f"{resource['kind']} {resource['metadata']['name']}: {fault}" for fault in found]


def main() -> None:
    wrong = []
    for overlay in [Path(argument) for argument in sys.argv[1:]] or overlays():
        try:
            resources = render(overlay)
        except TagwerkError as error:
            failure = error.failure
            sys.exit(f"{failure.concern}: {failure.cause}. {failure.next_step}")
        found = faults(resources, read(EXPECTED))
        wrong += [f"{overlay.name}: {fault}" for fault in found]
        print(f"{overlay.name}: {len(resources)} resources, {len(found) or 'no'} faults")
    if wrong:
        sys.exit("\n".join(wrong))


if __name__ == "__main__":
    main()
