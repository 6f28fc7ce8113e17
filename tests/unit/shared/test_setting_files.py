"""Settings from files, and settings that do not show what is secret."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from deploy.provision import ProvisionSettings
from shared.entry import read_settings
from shared.errors import TagwerkError
from shared.settings import Settings

URL = "postgresql://documents:hidden-word@db.example/tagwerk?sslmode=verify-full"


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """All that is required but the database; gives the file that its setting is to lie in."""
    monkeypatch.setenv("TAGWERK_NATS_URL", "nats://documents:hidden-word@127.0.0.1")
    monkeypatch.setenv("TAGWERK_FILES_URL", "file:///files")
    file = tmp_path / "database-url"
    file.touch(mode=0o600)
    monkeypatch.setenv("TAGWERK_DATABASE_URL_FILE", str(file))
    return file


def failure_code() -> str:
    with pytest.raises(TagwerkError) as failed:
        read_settings()
    assert "hidden-word" not in str(failed.value.failure)
    return failed.value.failure.code


def test_a_setting_lies_in_a_file_without_its_line_end(environment: Path) -> None:
    environment.write_text(URL + "\n")
    with capture_logs() as logs:
        assert read_settings().database_url == URL
    assert logs == []


def test_a_setting_of_several_values_lies_in_a_file_too(
    environment: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    environment.write_text(URL)
    roles = tmp_path / "roles"
    roles.write_text(json.dumps({"documents": "hidden-word"}))
    monkeypatch.setenv("TAGWERK_DATABASE_ROLES_FILE", str(roles))
    settings = ProvisionSettings()
    assert settings.database_roles == {"documents": "hidden-word"}
    assert "hidden-word" not in repr(settings)


def test_a_file_that_everybody_can_read_is_warned_of(environment: Path) -> None:
    environment.write_text(URL)
    environment.chmod(0o644)
    with capture_logs() as logs:
        read_settings()
    assert [line["setting"] for line in logs] == ["TAGWERK_DATABASE_URL_FILE"]
    assert "hidden-word" not in str(logs)


def test_a_file_that_holds_no_setting_is_named(environment: Path) -> None:
    assert failure_code() == "setting_file_unreadable"
    environment.write_bytes(b"hidden-word\xff")
    assert failure_code() == "setting_file_unreadable"
    environment.unlink()
    assert failure_code() == "setting_file_unreadable"


def test_a_setting_is_not_given_twice(environment: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    environment.write_text(URL)
    monkeypatch.setenv("TAGWERK_DATABASE_URL", URL)
    assert failure_code() == "setting_given_twice"


def test_a_wrong_setting_is_told_without_its_value(
    environment: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    environment.write_text(URL)
    monkeypatch.setenv("TAGWERK_AUDIT_WEBHOOK_URL", "ftp://hidden-word")
    assert failure_code() == "settings_invalid"
    # What pydantic itself says of it, where nobody translates it, shows it neither.
    with pytest.raises(ValueError, match="audit_webhook_url") as failed:
        Settings()
    assert "hidden-word" not in str(failed.value)


def test_settings_do_not_show_what_is_secret(environment: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    environment.write_text(URL)
    for name in ("SMTP_URL", "MQTT_URL", "AUDIT_KEEPER_URL"):
        monkeypatch.setenv(f"TAGWERK_{name}", "smtp://user:hidden-word@host")
    monkeypatch.setenv("TAGWERK_AUDIT_WEBHOOK_URL", "https://host/hidden-word")
    settings = read_settings()
    assert settings.audit_keeper_url is not None
    assert "hidden-word" not in repr(settings) + str(settings)


def test_a_service_with_wrong_settings_says_why_and_ends(environment: Path) -> None:
    ended = subprocess.run(
        [sys.executable, "-m", "services.scheduler"], capture_output=True, text=True, check=False
    )
    assert ended.returncode == 1
    assert ended.stderr.startswith("setting_file_unreadable: ")
    assert "Traceback" not in ended.stderr
