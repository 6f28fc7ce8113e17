"""Which durables of the bus say how many workers of a service are needed: KEDA's ScaledObjects."""

from pathlib import Path
from typing import Any, Final

import yaml

from deploy.declarations import declaration_of
from deploy.kubernetes.peers import BUS_MONITOR, K8S
from shared import subjects

FILE: Final = K8S / "components" / "scaling" / "scaled-objects.yaml"
_MADE_BY: Final = "# Made by `python -m deploy.generated` from the declarations of the services.\n"
#: As KEDA reaches each server of the cluster.
_MONITOR: Final = f"nats-peers.tagwerk.svc:{BUS_MONITOR}"

#: Service -> requests that one worker takes on before another is started: few where it computes (a document
#: takes seconds of a CPU), many where it waits for systems outside.
WAITING: Final = {"documents": 8, "integrations": 64, "reporting": 16}
_AT_LEAST: Final = 2
_AT_MOST: Final = 10


def scaled_object(service: str) -> dict[str, Any]:
    """One trigger for each durable that hands out work of a job that several workers can share; one with a
    limit on its concurrency goes no faster with more of them."""
    durables = [
        subjects.work_durable(job.id, lane)
        for job in declaration_of(f"services.{service}").jobs
        if job.limit is None
        for lane in job.lanes
    ]
    return {
        "apiVersion": "keda.sh/v1alpha1",
        "kind": "ScaledObject",
        "metadata": {"name": service},
        "spec": {
            "scaleTargetRef": {"name": service},
            "minReplicaCount": _AT_LEAST,
            "maxReplicaCount": _AT_MOST,
            "pollingInterval": 10,
            # If the bus does not say how much waits: as many as were enough on an ordinary day.
            "fallback": {"failureThreshold": 6, "replicas": _AT_LEAST, "behavior": "currentReplicasIfHigher"},
            "advanced": {
                "horizontalPodAutoscalerConfig": {
                    # Down slowly: each that ends hands over what it works on.
                    "behavior": {
                        "scaleDown": {
                            "stabilizationWindowSeconds": 300,
                            "policies": [{"type": "Pods", "value": 1, "periodSeconds": 60}],
                        }
                    }
                }
            },
            "triggers": [_trigger(durable, WAITING[service]) for durable in durables],
        },
    }


def _trigger(durable: str, threshold: int) -> dict[str, Any]:
    return {
        "type": "nats-jetstream",
        "metadata": {
            "natsServerMonitoringEndpoint": _MONITOR,
            # The one account of a server whose configuration names none.
            "account": "$G",
            "stream": subjects.RUNS,
            "consumer": durable,
            "lagThreshold": str(threshold),
        },
    }


def files() -> dict[Path, str]:
    """Path -> what must stand there."""
    objects = [scaled_object(service) for service in WAITING]
    return {FILE: _MADE_BY + yaml.safe_dump_all(objects, sort_keys=False, width=110)}
