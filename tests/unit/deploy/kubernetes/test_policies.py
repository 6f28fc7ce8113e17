"""Every policy is broken once, in an installation that holds to all, and says so of the right resource."""

import copy
from collections.abc import Callable
from functools import cache
from typing import Any

import pytest

from deploy.kubernetes.__main__ import EXPECTED, faults, faults_of, overlays
from deploy.kubernetes.peers import K8S
from deploy.kubernetes.policies import Installation
from deploy.kubernetes.rendering import Resource, read, render

Break = Callable[[dict[str, Any]], Any]


@cache
def _rendered() -> list[Resource]:
    return render(K8S / "overlays" / "high-availability")


def one(resources: list[Resource], kind: str, name: str) -> Resource:
    (found,) = (r for r in resources if (r["kind"], r["metadata"]["name"]) == (kind, name))
    return found


def broken(kind: str, name: str, change: Break) -> list[Resource]:
    """The installation, with `change` made to one resource."""
    resources = copy.deepcopy(_rendered())
    change(one(resources, kind, name))
    return resources


def pod(change: Break) -> Break:
    return lambda resource: change(resource["spec"]["template"]["spec"])


def container(change: Break) -> Break:
    return pod(lambda spec: change(spec["containers"][0]))


@pytest.mark.parametrize("overlay", overlays(), ids=lambda overlay: overlay.name)
def test_an_overlay_has_no_faults(overlay: Any) -> None:
    assert faults(render(overlay), read(EXPECTED)) == []


BROKEN: list[tuple[str, str, Break, str]] = [
    # The schemas.
    ("Deployment", "audit", lambda r: r["spec"].update(replica=1), "'replica'"),
    ("ScaledObject", "documents", lambda r: r["spec"].update(minReplicas=1), "'minReplicas'"),
    ("Cluster", "postgres", lambda r: r["spec"].update(instances="3"), "'3' is not of type 'integer'"),
    ("PodMonitor", "services", lambda r: r["spec"].pop("selector"), "'selector'"),
    ("Ingress", "gateway", lambda r: r.update(apiVersion="extensions/v1beta1"), "no schema"),
    # The pod's rights.
    ("Deployment", "audit", pod(lambda p: p["securityContext"].update(runAsNonRoot=False)), "as root"),
    ("Deployment", "audit", pod(lambda p: p["securityContext"].update(runAsUser=0)), "as root"),
    ("Job", "provision", pod(lambda p: p["securityContext"].pop("seccompProfile")), "seccompProfile"),
    ("StatefulSet", "nats", pod(lambda p: p.pop("automountServiceAccountToken")), "a token"),
    ("Deployment", "audit", pod(lambda p: p.update(hostNetwork=True)), "hostNetwork"),
    (
        "Deployment",
        "audit",
        pod(lambda p: p["volumes"].append({"name": "node", "hostPath": {"path": "/"}})),
        "hostPath",
    ),
    (
        "Deployment",
        "audit",
        container(lambda c: c["securityContext"].update(allowPrivilegeEscalation=True)),
        "allowPrivilegeEscalation",
    ),
    (
        "Deployment",
        "audit",
        container(lambda c: c["securityContext"].pop("readOnlyRootFilesystem")),
        "readOnlyRootFilesystem",
    ),
    (
        "Deployment",
        "audit",
        container(lambda c: c["securityContext"]["capabilities"].update(add=["NET_RAW"])),
        "capabilities",
    ),
    ("Deployment", "audit", container(lambda c: c["securityContext"].update(privileged=True)), "all rights"),
    # Images.
    ("Deployment", "audit", container(lambda c: c.update(image="tagwerk:1.2")), "by its digest"),
    ("StatefulSet", "nats", container(lambda c: c.update(image="nats:latest")), "a version"),
    ("StatefulSet", "nats", container(lambda c: c.update(image="nats")), "a version"),
    ("Cluster", "postgres", lambda r: r["spec"].update(imageName="host:5000/postgresql"), "a version"),
    # Limits, probes, the end.
    (
        "Deployment",
        "audit",
        container(lambda c: c["resources"]["limits"].pop("memory")),
        "no limits of memory",
    ),
    ("Cluster", "postgres", lambda r: r["spec"]["resources"].pop("requests"), "no requests of cpu, memory"),
    ("Deployment", "audit", container(lambda c: c.pop("livenessProbe")), "no livenessProbe"),
    (
        "Deployment",
        "audit",
        container(lambda c: c["readinessProbe"]["httpGet"].update(port="web")),
        "the port web",
    ),
    ("Deployment", "gateway", pod(lambda p: p.update(terminationGracePeriodSeconds=24)), "after 24 s"),
    # What runs more than once.
    ("Deployment", "status", pod(lambda p: p.pop("topologySpreadConstraints")), "all on one node"),
    # Who gets in.
    ("Service", "gateway", lambda r: r["spec"].update(type="LoadBalancer"), "past the Ingress"),
    ("Ingress", "gateway", lambda r: r["spec"].pop("tls"), "without TLS"),
    ("Ingress", "gateway", lambda r: r["spec"]["rules"][0].pop("host"), "every host without TLS"),
    ("NetworkPolicy", "gateway-ingress", lambda r: r["spec"]["ingress"][0].pop("from"), "whoever comes"),
    ("NetworkPolicy", "gateway-ingress", lambda r: r["spec"]["ingress"][0].pop("ports"), "every port"),
    # Ports.
    ("Service", "nats", lambda r: r["spec"]["ports"][0].update(targetPort="bus"), "the port bus"),
    (
        "NetworkPolicy",
        "nats-scaling",
        lambda r: r["spec"]["ingress"][0]["ports"][0].update(port=8223),
        "the port 8223",
    ),
    (
        "PodMonitor",
        "services",
        lambda r: r["spec"]["podMetricsEndpoints"][0].update(port="metrics"),
        "the port metrics",
    ),
    # Settings, secrets and what is mounted.
    (
        "Deployment",
        "audit",
        container(lambda c: c["env"].append({"name": "TAGWERK_SLOT", "value": "1"})),
        "TAGWERK_SLOT is no setting",
    ),
    ("Deployment", "audit", container(lambda c: c.pop("envFrom")), "TAGWERK_NATS_URL is required"),
    (
        "Deployment",
        "audit",
        container(lambda c: c["env"].append({"name": "TAGWERK_MQTT_URL", "value": "mqtts://a:b@c"})),
        "holds a password",
    ),
    (
        "Deployment",
        "gateway",
        container(lambda c: c["env"].append({"name": "AWS_SECRET_ACCESS_KEY", "value": "a"})),
        "stands in the manifest",
    ),
    (
        "Deployment",
        "audit",
        container(lambda c: c["env"][0].update(value="/secrets/other.pem")),
        "names /secrets/other.pem",
    ),
    (
        "Deployment",
        "audit",
        pod(lambda p: p["volumes"].append({"name": "x", "secret": {"secretName": "unknown"}})),
        "the volume x",
    ),
    (
        "Deployment",
        "audit",
        pod(lambda p: p["volumes"].append({"name": "x", "persistentVolumeClaim": {"claimName": "y"}})),
        "a claim that is not there",
    ),
    (
        "Deployment",
        "audit",
        container(lambda c: c["volumeMounts"].append({"name": "x", "mountPath": "/x"})),
        "mounts x",
    ),
    (
        "StatefulSet",
        "nats",
        container(lambda c: c["envFrom"][0]["secretRef"].update(name="unknown")),
        "reads the Secret unknown",
    ),
]


@pytest.mark.parametrize(("kind", "name", "change", "said"), BROKEN)
def test_what_is_against_a_policy_is_said(kind: str, name: str, change: Break, said: str) -> None:
    resources = broken(kind, name, change)
    found = faults_of(one(resources, kind, name), Installation(resources, read(EXPECTED)))
    assert any(said in fault for fault in found), found
    assert all(fault.startswith(f"{kind} {name}: ") for fault in found)


@pytest.mark.parametrize(
    ("missing", "about", "said"),
    [
        (("PodDisruptionBudget", "status"), ("Deployment", "status"), "no PodDisruptionBudget"),
        # KEDA alone says that there are two of it.
        (("PodDisruptionBudget", "documents"), ("Deployment", "documents"), "no PodDisruptionBudget"),
        (("NetworkPolicy", "nothing"), ("Job", "provision"), "denies Ingress by default"),
        (("NetworkPolicy", "scheduler"), ("Deployment", "scheduler"), "is about scheduler"),
        (("PersistentVolumeClaim", "audit-heads"), ("Deployment", "audit"), "a claim that is not there"),
        (("Deployment", "gateway"), ("Service", "gateway"), "no pod behind it"),
    ],
)
def test_what_is_missing_is_said_of_what_needs_it(
    missing: tuple[str, str], about: tuple[str, str], said: str
) -> None:
    resources = [r for r in _rendered() if r is not one(_rendered(), *missing)]
    found = faults_of(one(resources, *about), Installation(resources, read(EXPECTED)))
    assert any(said in fault for fault in found), found


def test_a_secret_has_no_place_among_manifests() -> None:
    secret = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "a"}, "stringData": {"a": "b"}}
    found = faults_of(secret, Installation([secret], []))
    assert found == ["Secret a: contains a secret: manifests only name them"]
