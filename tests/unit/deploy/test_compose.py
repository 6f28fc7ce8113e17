"""docker-compose.yml describes the same stack as `make up`, in the settings' own words."""

import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from deploy.local.config import SERVICES
from deploy.local.nats import server_binary
from deploy.permissions import CONTAINERS
from deploy.permissions import SERVICES as ON_THE_BUS
from deploy.provision import ProvisionSettings
from deploy.roles import AUDIT_KEEPER
from shared.settings import Settings

ROOT = Path(__file__).parents[3]
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
PASSWORDS = {f"TAGWERK_{name.upper()}_PASSWORD": f"p-{name}" for name in ("admin", *ON_THE_BUS, AUDIT_KEEPER)}


def environment_of(service: str) -> dict[str, str]:
    """The variables of a container, with those of .env and the defaults put in."""

    def fill(match: re.Match[str]) -> str:
        return PASSWORDS.get(match["name"]) or match["default"]

    pattern = re.compile(r"\$\{(?P<name>\w+)(?::(?:-(?P<default>[^}]*)|\?[^}]*))?\}")
    variables: dict[str, str] = COMPOSE["services"][service]["environment"]
    return {name: pattern.sub(fill, value) for name, value in variables.items()}


@pytest.mark.parametrize("service", SERVICES)
def test_each_service_gets_settings_that_it_knows_and_all_that_it_needs(
    service: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    environment = environment_of(service)
    known = {f"TAGWERK_{name.upper()}" for name in Settings.model_fields}
    assert set(environment) <= known
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    settings = Settings()
    assert settings.nats_url == f"nats://{service}:p-{service}@nats:4222"
    assert settings.database_url.startswith(f"postgresql://{service}:p-{service}@postgres/tagwerk")
    assert COMPOSE["services"][service]["command"] == [SERVICES[service]]


def test_every_service_of_the_stack_is_there_and_provisioned(monkeypatch: pytest.MonkeyPatch) -> None:
    provision = COMPOSE["services"]["provision"]
    assert provision["command"] == ["deploy.provision", *SERVICES.values()]
    for name, value in environment_of("provision").items():
        monkeypatch.setenv(name, value)
    settings = ProvisionSettings()
    assert settings.database_roles == {name: f"p-{name}" for name in (*SERVICES, AUDIT_KEEPER)}
    assert settings.audit_key_file is not None
    assert set(COMPOSE["services"]) == {*SERVICES, "nats", "postgres", "provision", "sign-in"}


def test_every_container_that_stays_has_a_health_check_and_every_volume_exists() -> None:
    volumes = set(COMPOSE["volumes"])
    for name, service in COMPOSE["services"].items():
        if name not in ("provision", "sign-in"):
            assert service["healthcheck"]["test"][0] == "CMD", name
        for volume in service.get("volumes", []):
            source = volume.split(":")[0]
            assert source in volumes or (ROOT / source).exists(), f"{name}: {volume}"
        assert set(service.get("depends_on", {})) <= set(COMPOSE["services"])


def test_only_this_machine_reaches_the_published_ports() -> None:
    published = [port for service in COMPOSE["services"].values() for port in service.get("ports", [])]
    assert published
    assert all(port.startswith("127.0.0.1:") for port in published)


def test_nats_accepts_the_configuration_and_knows_every_service(tmp_path: Path) -> None:
    conf = ROOT / "deploy" / "nats" / "nats.conf"
    environment = environment_of("nats")
    checked = subprocess.run(
        [server_binary(), "--config", conf, "-t"],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert checked.returncode == 0, checked.stderr
    users = CONTAINERS.read_text()
    assert re.findall(r"user: (\w+)", users) == ["admin", *ON_THE_BUS]
    # All but the administrator's are limited.
    assert users.count("permissions:") == len(ON_THE_BUS)


def test_the_written_passwords_are_random_private_and_complete(tmp_path: Path) -> None:
    def write() -> dict[str, str]:
        subprocess.run(["make", "-s", "-f", ROOT / "Makefile", ".env"], cwd=tmp_path, check=True)
        file = tmp_path / ".env"
        assert file.stat().st_mode & 0o777 == 0o600
        lines = file.read_text().splitlines()
        file.unlink()
        return dict(line.split("=", 1) for line in lines)

    first, second = write(), write()
    assert set(first) == set(PASSWORDS)
    assert len({*first.values(), *second.values()}) == 2 * len(PASSWORDS)
    for password in first.values():
        # nats-server takes a value that begins with a digit for a number.
        assert re.fullmatch(r"p[0-9a-f]{48}", password)
