"""What every rendered installation has to hold to, resource by resource. Each rule is a function that yields
what is against it, in words with the way to mend it."""

import re
from collections.abc import Callable, Iterator
from typing import Any, Final

from deploy.kubernetes.peers import NAME
from deploy.kubernetes.rendering import Resource, containers_of
from deploy.local.plans import SERVICE_DRAIN

Rule = Callable[[Resource, "Installation"], Iterator[str]]

#: Kinds that make pods.
WORKLOADS: Final = ("Deployment", "StatefulSet", "Job")


class Installation:
    """All resources of an overlay, and what the manifests expect to find beside them."""

    def __init__(self, resources: list[Resource], expected: list[Resource]) -> None:
        self.resources = resources
        #: Secrets and ConfigMaps that an administrator makes: (kind, name) -> keys.
        self.keys = {
            (r["kind"], r["metadata"]["name"]): set(r.get("stringData", {})) | set(r.get("data", {}))
            for r in (*resources, *expected)
            if r["kind"] in ("Secret", "ConfigMap")
        }

    def of(self, kind: str) -> list[Resource]:
        return [resource for resource in self.resources if resource["kind"] == kind]


def pod_of(workload: Resource) -> dict[str, Any]:
    pod: dict[str, Any] = workload["spec"]["template"]["spec"]
    return pod


def labels_of(workload: Resource) -> dict[str, str]:
    labels: dict[str, str] = workload["spec"]["template"]["metadata"]["labels"]
    return labels


def selects(selector: dict[str, Any], labels: dict[str, str]) -> bool:
    wanted: dict[str, str] = selector.get("matchLabels", {})
    return wanted.items() <= labels.items()


def runs_restricted(resource: Resource, _: Installation) -> Iterator[str]:
    if resource["kind"] not in WORKLOADS:
        return
    pod = pod_of(resource)
    context = pod.get("securityContext", {})
    if context.get("runAsNonRoot") is not True or context.get("runAsUser", 0) == 0:
        yield "may run as root: set runAsNonRoot and a runAsUser that is not 0"
    if context.get("seccompProfile", {}).get("type") != "RuntimeDefault":
        yield "has no seccompProfile RuntimeDefault"
    if pod.get("automountServiceAccountToken") is not False or "serviceAccountName" not in pod:
        yield "gets a token of the API server: name a service account, and no automount"
    for word in ("hostNetwork", "hostPID", "hostIPC"):
        if pod.get(word):
            yield f"shares the node: {word}"
    if any("hostPath" in volume for volume in pod.get("volumes", ())):
        yield "mounts a folder of the node: hostPath"
    for container in containers_of(resource):
        own = container.get("securityContext", {})
        if own.get("allowPrivilegeEscalation") is not False:
            yield f"{container['name']}: allowPrivilegeEscalation is not false"
        if own.get("readOnlyRootFilesystem") is not True:
            yield f"{container['name']}: readOnlyRootFilesystem is not true"
        if own.get("capabilities", {}).get("drop") != ["ALL"] or own.get("capabilities", {}).get("add"):
            yield f"{container['name']}: keeps capabilities: drop ALL, add none"
        if own.get("privileged") or own.get("runAsUser") == 0:
            yield f"{container['name']}: runs with all rights"


def pins_images(resource: Resource, _: Installation) -> Iterator[str]:
    images = [container["image"] for container in containers_of(resource)]
    if resource["kind"] == "Cluster":
        images.append(resource["spec"].get("imageName", ""))
    for image in images:
        name, _, digest = image.partition("@")
        ours = name.rpartition("/")[2].partition(":")[0] == "tagwerk"
        if ours and not re.fullmatch(r"sha256:[0-9a-f]{64}", digest):
            yield f"{image}: name our image by its digest, under `images` of the overlay"
        tag = name.rpartition("/")[2].partition(":")[2]
        if not digest and not re.match(r"v?\d+\.\d+", tag):
            yield f"{image}: name a version (1.2), and not latest or none"


def limits_resources(resource: Resource, _: Installation) -> Iterator[str]:
    asked = [(c["name"], c.get("resources", {}), True) for c in containers_of(resource)]
    if resource["kind"] == "Cluster":
        asked.append(("instances", resource["spec"].get("resources", {}), False))
    for name, resources, with_disk in asked:
        wanted = {"cpu", "memory", *(["ephemeral-storage"] if with_disk else ())}
        for word in ("requests", "limits"):
            if missing := sorted(wanted - set(resources.get(word, {}))):
                yield f"{name}: has no {word} of {', '.join(missing)}"


def is_probed(resource: Resource, _: Installation) -> Iterator[str]:
    if resource["kind"] not in ("Deployment", "StatefulSet"):
        return
    for container in pod_of(resource)["containers"]:
        ports = {port["name"] for port in container.get("ports", ())}
        for probe in ("startupProbe", "readinessProbe", "livenessProbe"):
            if probe not in container:
                yield f"{container['name']}: has no {probe}"
            elif (port := container[probe].get("httpGet", {}).get("port", "")) not in {*ports, ""}:
                yield f"{container['name']}: its {probe} asks the port {port}, which it does not name"


def ends_in_peace(resource: Resource, _: Installation) -> Iterator[str]:
    if resource["kind"] not in ("Deployment", "StatefulSet"):
        return
    pod = pod_of(resource)
    given = pod.get("terminationGracePeriodSeconds", 30)
    before = max(
        c.get("lifecycle", {}).get("preStop", {}).get("sleep", {}).get("seconds", 0)
        for c in pod["containers"]
    )
    if given <= SERVICE_DRAIN + before:
        yield (
            f"is killed after {given} s, while it needs {SERVICE_DRAIN + before:.0f} s to hand over its work:"
            " raise terminationGracePeriodSeconds"
        )


def is_spread(resource: Resource, installation: Installation) -> Iterator[str]:
    """What runs more than once is on several nodes, and not taken away all at once."""
    if resource["kind"] not in ("Deployment", "StatefulSet") or _replicas(resource, installation) < 2:
        return
    budgets = installation.of("PodDisruptionBudget")
    if not any(selects(budget["spec"]["selector"], labels_of(resource)) for budget in budgets):
        yield "runs more than once and has no PodDisruptionBudget"
    pod = pod_of(resource)
    keys = [constraint["topologyKey"] for constraint in pod.get("topologySpreadConstraints", ())]
    if "kubernetes.io/hostname" not in keys and "podAntiAffinity" not in pod.get("affinity", {}):
        yield "runs more than once, maybe all on one node: add a topologySpreadConstraint"


def _replicas(workload: Resource, installation: Installation) -> int:
    least = [
        scaled["spec"].get("minReplicaCount", 0)
        for scaled in installation.of("ScaledObject")
        if scaled["spec"]["scaleTargetRef"]["name"] == workload["metadata"]["name"]
    ]
    return int(max([*least, workload["spec"].get("replicas", 1)]))


def is_guarded(resource: Resource, installation: Installation) -> Iterator[str]:
    """Nothing reaches a pod, and no pod reaches anything, but by a network policy."""
    if resource["kind"] not in WORKLOADS:
        return
    policies = [policy["spec"] for policy in installation.of("NetworkPolicy")]
    for direction in ("Ingress", "Egress"):
        if not any(p["podSelector"] == {} and direction in p["policyTypes"] for p in policies):
            yield f"no network policy denies {direction} by default"
    named = (p["podSelector"] for p in policies if NAME in p["podSelector"].get("matchLabels", {}))
    if not any(selects(selector, labels_of(resource)) for selector in named):
        yield f"no network policy is about {labels_of(resource).get(NAME)}: see deploy/kubernetes/peers.py"


def lets_nobody_in_unguarded(resource: Resource, installation: Installation) -> Iterator[str]:
    spec = resource.get("spec", {})
    if resource["kind"] == "Service" and spec.get("type", "ClusterIP") != "ClusterIP":
        yield f"opens a port to outside past the Ingress: type {spec['type']}"
    if resource["kind"] == "NetworkPolicy":
        for rule in spec.get("ingress", ()):
            if not rule.get("from") or any("ipBlock" in peer or peer == {} for peer in rule["from"]):
                yield "lets in whoever comes: name pods or a namespace"
            if not rule.get("ports"):
                yield "lets in to every port: name them"
    if resource["kind"] == "Ingress":
        secured = {host for entry in spec.get("tls", ()) for host in entry["hosts"] if "secretName" in entry}
        for rule in spec["rules"]:
            if rule.get("host", "") not in secured:
                yield f"serves {rule.get('host', 'every host')} without TLS"


def finds_its_ports(resource: Resource, installation: Installation) -> Iterator[str]:
    """Services, policies and monitors name ports that the pods behind them have."""
    workloads = [w for kind in WORKLOADS for w in installation.of(kind)]
    if resource["kind"] == "Service":
        open_here = _ports(
            w for w in workloads if selects({"matchLabels": resource["spec"]["selector"]}, labels_of(w))
        )
        for port in resource["spec"]["ports"]:
            if port.get("targetPort") not in open_here:
                yield f"leads to the port {port.get('targetPort')}, which no pod behind it names"
    if resource["kind"] == "NetworkPolicy" and resource["spec"].get("ingress"):
        behind = [w for w in workloads if selects(resource["spec"]["podSelector"], labels_of(w))]
        open_here = _ports(iter(behind))
        for port in {p["port"] for rule in resource["spec"]["ingress"] for p in rule.get("ports", ())}:
            if behind and port not in open_here:
                yield f"allows the port {port}, which no pod behind it has"
    if resource["kind"] == "PodMonitor":
        behind = [w for w in workloads if selects(resource["spec"]["selector"], labels_of(w))]
        for endpoint in resource["spec"]["podMetricsEndpoints"]:
            if not behind or any(endpoint["port"] not in _ports(iter([w])) for w in behind):
                yield f"reads the port {endpoint['port']}, which not every pod behind it names"


def _ports(workloads: Iterator[Resource]) -> set[str | int]:
    ports = [p for w in workloads for c in containers_of(w) for p in c.get("ports", ())]
    return {p["name"] for p in ports} | {p["containerPort"] for p in ports}


RULES: Final[tuple[Rule, ...]] = (
    runs_restricted,
    pins_images,
    limits_resources,
    is_probed,
    ends_in_peace,
    is_spread,
    is_guarded,
    lets_nobody_in_unguarded,
    finds_its_ports,
)
