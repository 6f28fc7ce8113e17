"""What is made of the code says what the code says: who may talk to whom, and what scales which workers."""

from pathlib import Path
from typing import Any

from deploy.declarations import declaration_of
from deploy.kubernetes.peers import K8S, LINKS, NATS, POSTGRES, SPANS, STATUS, Elsewhere, Pods, policies
from deploy.kubernetes.rendering import render
from deploy.kubernetes.scaling import WAITING, scaled_object
from deploy.permissions import SERVICES
from shared import subjects

SOURCES = Path(__file__).parents[4] / "services"
INSTALLATION = {(r["kind"], r["metadata"]["name"]): r for r in render(K8S / "overlays" / "high-availability")}


def test_every_service_is_deployed_and_provisioned() -> None:
    for service in SERVICES:
        (container,) = INSTALLATION["Deployment", service.replace("_", "-")]["spec"]["template"]["spec"][
            "containers"
        ]
        assert container["args"] == [f"services.{service}"]
    modules = [f"services.{service}" for service in SERVICES]
    steps = INSTALLATION["Job", "provision"]["spec"]["template"]["spec"]
    assert [step["args"] for step in (*steps["initContainers"], *steps["containers"])] == [
        ["deploy.provision", *modules],
        ["deploy.migrate", *modules],
    ]
    contract = INSTALLATION["Job", "contract"]["spec"]
    assert contract["template"]["spec"]["containers"][0]["args"] == ["deploy.migrate", "--contract", *modules]
    # Somebody has to say that the version before is gone.
    assert contract["suspend"] is True


def test_each_service_reaches_the_bus_and_the_database_if_it_keeps_something_there() -> None:
    links = [link for links in LINKS.values() for link in links]
    for service in SERVICES:
        reached = {link.target for link in links if link.source == Pods(service.replace("_", "-"))}
        assert NATS in reached
        assert (POSTGRES in reached) == (SOURCES / service / "migrations").is_dir()
        # Services talk over the bus; spans alone go from one to another.
        others = {
            (link.target, link.ports)
            for link in links
            if link.source == Pods(service.replace("_", "-"))
            and link.target in {Pods(other.replace("_", "-")) for other in SERVICES}
        }
        assert others == {(STATUS, (SPANS,))}


def test_only_those_that_call_systems_outside_reach_them() -> None:
    def may_leave(service: str) -> bool:
        policy = INSTALLATION["NetworkPolicy", service]["spec"]
        return any("ipBlock" in peer for rule in policy["egress"] for peer in rule["to"])

    leaving = {name for name in ("gateway", "scheduler", "documents", "status") if may_leave(name)}
    assert leaving == {"gateway"}
    assert all(may_leave(name) for name in ("integrations", "reporting", "audit"))


def test_a_connection_is_allowed_on_both_sides() -> None:
    for folder, links in LINKS.items():
        made = {policy["metadata"]["name"]: policy["spec"] for policy in policies(folder)}
        outgoing = {
            (name, str(peer), port["port"])
            for name, spec in made.items()
            for rule in spec.get("egress", ())
            for peer in rule["to"]
            for port in rule["ports"]
        }
        for link in links:
            if isinstance(link.source, Elsewhere):
                continue
            suffix = "" if folder == "base" else f"-{folder.rpartition('/')[2]}"
            assert isinstance(link.source, Pods)
            for port in link.ports:
                assert (f"{link.source.name}{suffix}", str(link.target.peer), port) in outgoing
                if isinstance(link.target, Pods):
                    (rule,) = [
                        rule
                        for rule in made[f"{link.target.name}{suffix}"]["ingress"]
                        if rule["from"] == [link.source.peer]
                    ]
                    assert {"protocol": "TCP", "port": port} in rule["ports"]


def test_workers_are_scaled_by_the_durables_that_hand_out_their_work() -> None:
    for service in WAITING:
        declared = {
            durable.name: durable.stream
            for durable in declaration_of(f"services.{service}").all_durables()
            if durable.filter.startswith(f"run.{service}.")
        }
        limited = {
            subjects.work_durable(job.id, None)
            for job in declaration_of(f"services.{service}").jobs
            if job.limit is not None
        }
        triggers: list[dict[str, Any]] = scaled_object(service)["spec"]["triggers"]
        watched = {t["metadata"]["consumer"]: t["metadata"]["stream"] for t in triggers}
        assert watched == {name: stream for name, stream in declared.items() if name not in limited}
        assert INSTALLATION["ScaledObject", service]["spec"]["triggers"] == triggers
        # A number in the manifest would set back at each deployment what KEDA has made of it.
        assert "replicas" not in INSTALLATION["Deployment", service]["spec"]
    assert {service for service in SERVICES if len(declaration_of(f"services.{service}").jobs) > 2} == set(
        WAITING
    )
