"""Who talks to whom in the cluster, and the network policies that allow it and nothing else.

`python -m deploy.generated` writes them beside the manifests that they belong to. A connection is allowed on
both sides: out of the one and into the other.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import yaml

from deploy.permissions import SERVICES

K8S: Final = Path(__file__).parents[2] / "k8s"
NAME: Final = "app.kubernetes.io/name"
COMPONENT: Final = "app.kubernetes.io/component"
_FILE: Final = "network-policies.yaml"
_MADE_BY: Final = "# Made by `python -m deploy.generated` from the table in deploy/kubernetes/peers.py.\n"

Selector = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Pods:
    """Pods of this installation."""

    name: str

    @property
    def peer(self) -> Selector:
        return {"podSelector": {"matchLabels": {NAME: self.name}}}


@dataclass(frozen=True, slots=True)
class Everyone:
    """Every service of this installation."""

    @property
    def peer(self) -> Selector:
        return {"podSelector": {"matchLabels": {COMPONENT: "service"}}}


@dataclass(frozen=True, slots=True)
class Elsewhere:
    """Another namespace of the cluster: that of an operator or a controller."""

    namespace: str

    @property
    def peer(self) -> Selector:
        return {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": self.namespace}}}


@dataclass(frozen=True, slots=True)
class Outside:
    """Addresses outside of the cluster: neither those of its own networks nor that of a cloud's metadata.
    `everywhere` leaves nothing out, for a server whose address nobody can know."""

    everywhere: bool = False

    @property
    def peer(self) -> Selector:
        if self.everywhere:
            return {"ipBlock": {"cidr": "0.0.0.0/0"}}
        return {"ipBlock": {"cidr": "0.0.0.0/0", "except": list(_PRIVATE)}}


_PRIVATE: Final = ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "169.254.0.0/16", "100.64.0.0/10")

Node = Pods | Everyone | Elsewhere | Outside


@dataclass(frozen=True, slots=True)
class Link:
    """`source` opens TCP connections to these ports of `target`."""

    source: Node
    target: Node
    ports: tuple[int, ...]


BUS: Final = 4222
BUS_PEERS: Final = 6222
BUS_MONITOR: Final = 8222
DATABASE: Final = 5432
HEALTH: Final = 8081
PAGES: Final = 8080
HTTPS: Final = 443
SPANS: Final = 4318
NATS: Final = Pods("nats")
POSTGRES: Final = Pods("postgres")
STATUS: Final = Pods("status")
PROVISION: Final = Pods("provision")
INTERNET: Final = Outside()

#: The pods of each service that the base deploys.
IN_BASE: Final = tuple(Pods(name) for name in SERVICES if name != "mqtt_bridge")
BRIDGE: Final = Pods("mqtt-bridge")
#: The one that keeps nothing in the database.
_WITHOUT_DATABASE: Final = "scheduler"
#: Those that read and write documents.
_WITH_FILES: Final = tuple(
    Pods(name) for name in ("gateway", "documents", "integrations", "reporting", BRIDGE.name)
)


def _database(pods: Pods) -> list[Link]:
    return [] if pods.name == _WITHOUT_DATABASE else [Link(pods, POSTGRES, (DATABASE,))]


#: Folder below `k8s/` -> what its manifests need.
LINKS: Final[dict[str, list[Link]]] = {
    "base": [
        *(Link(pods, NATS, (BUS,)) for pods in (*IN_BASE, PROVISION)),
        *(link for pods in (*IN_BASE, PROVISION) for link in _database(pods)),
        # What they spent their time on; the one thing that is not told over the bus.
        *(Link(pods, STATUS, (SPANS,)) for pods in IN_BASE),
        # The identity provider.
        Link(Pods("gateway"), INTERNET, (HTTPS,)),
        # Banks and rates, ERPs, mailboxes, SFTP.
        Link(Pods("integrations"), INTERNET, (22, HTTPS, 993)),
        # The mail server, and webhooks of alerts.
        Link(Pods("reporting"), INTERNET, (HTTPS, 465, 587)),
        # The webhook that takes signed heads.
        Link(Pods("audit"), INTERNET, (HTTPS,)),
    ],
    "components/mqtt": [
        Link(BRIDGE, NATS, (BUS,)),
        Link(BRIDGE, POSTGRES, (DATABASE,)),
        Link(BRIDGE, STATUS, (SPANS,)),
        # The broker.
        Link(BRIDGE, INTERNET, (8883,)),
    ],
    "components/ingress": [Link(Elsewhere("ingress-nginx"), Pods("gateway"), (PAGES,))],
    "components/scaling": [Link(Elsewhere("keda"), NATS, (BUS_MONITOR,))],
    "components/observability": [
        Link(Elsewhere("monitoring"), Everyone(), (HEALTH,)),
        Link(Elsewhere("monitoring"), NATS, (BUS_MONITOR,)),
    ],
    "overlays/high-availability": [
        Link(NATS, NATS, (BUS_PEERS,)),
        Link(POSTGRES, POSTGRES, (DATABASE, 8000)),
        # The operator, and the API server, through which the instances agree on who leads.
        Link(Elsewhere("cnpg-system"), POSTGRES, (DATABASE, 8000)),
        Link(POSTGRES, Outside(everywhere=True), (HTTPS, 6443)),
        *(Link(pods, INTERNET, (HTTPS,)) for pods in _WITH_FILES),
    ],
}


def policies(folder: str) -> list[dict[str, Any]]:
    """The network policies of one folder of `LINKS`, one for each kind of pod that it is about."""
    made = [_deny_by_default(), _names()] if folder == "base" else []
    own = sorted(
        {node for link in LINKS[folder] for node in (link.source, link.target) if isinstance(node, Pods)},
        key=lambda pods: pods.name,
    )
    subjects: list[Pods | Everyone] = [*own]
    if any(isinstance(link.target, Everyone) for link in LINKS[folder]):
        subjects.append(Everyone())
    purpose = folder.rpartition("/")[2]
    return [*made, *(_policy(subject, purpose, LINKS[folder]) for subject in subjects)]


def _policy(subject: Pods | Everyone, purpose: str, links: list[Link]) -> dict[str, Any]:
    egress = [{"to": [link.target.peer], "ports": _ports(link)} for link in links if link.source == subject]
    ingress = [
        {"from": [link.source.peer], "ports": _ports(link)} for link in links if link.target == subject
    ]
    name = subject.name if isinstance(subject, Pods) else "services"
    spec: dict[str, Any] = {
        **subject.peer,
        "policyTypes": [word for word, rules in (("Ingress", ingress), ("Egress", egress)) if rules],
    }
    if ingress:
        spec["ingress"] = ingress
    if egress:
        spec["egress"] = egress
    return _resource(name if purpose == "base" else f"{name}-{purpose}", spec)


def _ports(link: Link) -> list[dict[str, Any]]:
    return [{"protocol": "TCP", "port": port} for port in link.ports]


def _deny_by_default() -> dict[str, Any]:
    return _resource("nothing", {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]})


def _names() -> dict[str, Any]:
    peer = {
        **Elsewhere("kube-system").peer,
        "podSelector": {"matchLabels": {"k8s-app": "kube-dns"}},
    }
    ports = [{"protocol": protocol, "port": 53} for protocol in ("UDP", "TCP")]
    spec = {"podSelector": {}, "policyTypes": ["Egress"], "egress": [{"to": [peer], "ports": ports}]}
    return _resource("names", spec)


def _resource(name: str, spec: dict[str, Any]) -> dict[str, Any]:
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": {"name": name},
        "spec": spec,
    }


def files() -> dict[Path, str]:
    """Path -> what must stand there."""
    return {
        K8S / folder / _FILE: _MADE_BY + yaml.safe_dump_all(policies(folder), sort_keys=False, width=110)
        for folder, links in LINKS.items()
        if links
    }
