"""The secrets of the containers are random, private, and stay."""

import json
from pathlib import Path

import pytest

from deploy.container_secrets import GRAFANA, MOSQUITTO, POSTGRES, TAGWERK, ensure_secrets, owner_of


def test_they_are_random_private_and_made_once(tmp_path: Path) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    ensure_secrets(first)
    ensure_secrets(second)
    assert first.stat().st_mode & 0o777 == 0o700
    made = {file.name: file.read_bytes() for file in first.iterdir()}
    for file in first.iterdir():
        mode = file.stat().st_mode & 0o777
        assert mode == (0o444 if file.name == "authority.pem" else mode & 0o600), file
    passwords = [*json.loads(made["passwords.json"]).values()]
    passwords += json.loads((second / "passwords.json").read_text()).values()
    assert len(set(passwords)) == len(passwords)
    assert not set(made.values()) & {file.read_bytes() for file in second.iterdir()}

    ensure_secrets(first)
    assert {file.name: file.read_bytes() for file in first.iterdir()} == made


def test_one_that_is_lost_is_made_again_and_the_others_stay(tmp_path: Path) -> None:
    ensure_secrets(tmp_path)
    (tmp_path / "gateway-database").unlink()
    before = (tmp_path / "gateway.nk").read_bytes()
    (tmp_path / "scheduler.nk").unlink()
    ensure_secrets(tmp_path)
    password = json.loads((tmp_path / "passwords.json").read_text())["gateway"]
    assert f"gateway:{password}@" in (tmp_path / "gateway-database").read_text()
    assert (tmp_path / "gateway.nk").read_bytes() == before
    assert (tmp_path / "scheduler.nk").exists()


@pytest.mark.parametrize(
    ("name", "account"),
    [
        ("postgres.key", POSTGRES),
        ("postgres-password", POSTGRES),
        ("nats.key", TAGWERK),
        ("bus-users", TAGWERK),
        ("gateway.nk", TAGWERK),
        ("gateway-database", TAGWERK),
        ("authority.pem", TAGWERK),
        ("mosquitto.pem", MOSQUITTO),
        ("mosquitto-passwords", MOSQUITTO),
        ("grafana-password", GRAFANA),
    ],
)
def test_each_file_belongs_to_the_account_that_reads_it(name: str, account: int) -> None:
    assert owner_of(name) == account
