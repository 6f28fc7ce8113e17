"""`python -m deploy.kubernetes`: render the overlays in `k8s/`, validate them, hold them to the policies."""

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
    """What is wrong with an installation, each with the resource that it is about."""
    installation = Installation(resources, expected)
    return [
        f"{resource['kind']} {resource['metadata']['name']}: {fault}"
        for resource in resources
        for fault in (
            *schemas.faults(resource),
            *(fault for rule in RULES for fault in rule(resource, installation)),
        )
    ]


def main() -> None:
    wrong = []
    for overlay in overlays():
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
