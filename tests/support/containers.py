"""The servers of docker-compose.yml as containers, where a Docker engine runs and has their images.

On other machines tests run on the wheels alone, and those that compare both say why they are skipped.
"""

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import yaml

# Its helper that removes what a killed test left behind is an image of its own, which is not everywhere.
os.environ.setdefault("TESTCONTAINERS_RYUK_DISABLED", "true")

from testcontainers.core.container import DockerContainer
from testcontainers.core.wait_strategies import LogMessageWaitStrategy

_COMPOSE: Final = yaml.safe_load((Path(__file__).parents[2] / "docker-compose.yml").read_text())
PASSWORD: Final = "p-of-a-test"


def image_of(name: str) -> str:
    """The image of a container of compose, without the digest of an installation."""
    written: str = _COMPOSE["services"][name]["image"]
    return written.rpartition(":-")[2].removesuffix("}")


def missing(*names: str) -> str | None:
    """Why these containers cannot be started here, or None."""
    try:
        for name in names:
            asked = subprocess.run(
                ["docker", "image", "inspect", image_of(name)],
                capture_output=True,
                text=True,
                timeout=10,
                check=False,
            )
            if asked.returncode:
                return f"no image {image_of(name)} at a Docker engine: {asked.stderr.strip()}"
    except (FileNotFoundError, subprocess.TimeoutExpired) as error:
        return f"no Docker engine: {error}"
    return None


@contextmanager
def nats_container() -> Iterator[str]:
    """Address of the bus."""
    container = (
        DockerContainer(image_of("nats"))
        .with_exposed_ports(4222)
        .with_command(["nats-server", "--jetstream", "--store_dir", "/tmp/bus"])
        .waiting_for(LogMessageWaitStrategy("Server is ready"))
    )
    with container as running:
        yield f"nats://{running.get_container_host_ip()}:{running.get_exposed_port(4222)}"


@contextmanager
def postgres_container() -> Iterator[str]:
    """Address of the database `postgres`, as its administrator."""
    container = (
        DockerContainer(image_of("postgres"), user="999:999")
        .with_exposed_ports(5432)
        .with_env("POSTGRES_PASSWORD", PASSWORD)
        .waiting_for(LogMessageWaitStrategy("listening on IPv4 address"))
    )
    with container as running:
        where = f"{running.get_container_host_ip()}:{running.get_exposed_port(5432)}"
        yield f"postgresql://postgres:{PASSWORD}@{where}/postgres?sslmode=disable"
