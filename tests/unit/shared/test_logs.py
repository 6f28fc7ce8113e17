"""What stands in a log line, and what does not."""

import json
import logging
from collections.abc import Iterator

import pytest
import structlog
from pydantic import SecretStr

from shared.logs import configure_logs
from shared.redaction import redact, redact_text


@pytest.fixture(autouse=True)
def _as_before() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level, configuration = root.handlers[:], root.level, structlog.get_config()
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    structlog.configure(**configuration)
    structlog.contextvars.clear_contextvars()


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("nats://docs:p4ss@10.0.0.1:4222 is away", "nats://***@10.0.0.1:4222 is away"),
        ("postgresql://u:p%40ss@db/x", "postgresql://***@db/x"),
        ("https://example.com/path", "https://example.com/path"),
        ("sent to vera.muster@example.com", "sent to v***@example.com"),
        ("Authorization: Bearer abcdefgh12345678", "Authorization: Bearer ***"),
        ("CH93 0076 2011 6238 5295 7 is unknown", "CH93…2957 is unknown"),
        ("DE89370400440532013000", "DE89…3000"),
        (
            "run 0190a1b2-0000-7000-8000-0123456789ab",
            "run 0190a1b2-0000-7000-8000-0123456789ab",
        ),
        ("INVOICE 4711", "INVOICE 4711"),
    ],
)
def test_texts_lose_what_is_secret_or_personal(text: str, shown: str) -> None:
    assert redact_text(text) == shown


def test_fields_are_redacted_by_type_and_by_name_however_deep() -> None:
    line = redact(
        None,
        "info",
        {
            "event": "signed in",
            "url": SecretStr("https://example.com"),
            "smtp_password": "hunter2",
            "headers": {"Authorization": "x", "Accept": "text/html"},
            "tokens": ["a", "b"],
            "token_id": "0190",
            "password_file": "/run/secrets/x",
            "count": 3,
            "mails": ("a@example.com",),
        },
    )
    assert line == {
        "event": "signed in",
        "url": "***",
        "smtp_password": "***",
        "headers": {"Authorization": "***", "Accept": "text/html"},
        "tokens": "***",
        "token_id": "0190",
        "password_file": "/run/secrets/x",
        "count": 3,
        "mails": ["a***@example.com"],
    }


def test_lines_for_machines_name_service_and_version(
    capsys: pytest.CaptureFixture[str],
) -> None:
    configure_logs("lab", format="json", level="info", version="1.2")
    structlog.get_logger("x").bind(run_id="r1").warning("it failed", url="http://u:p@h/")
    logging.getLogger("uvicorn.error").error("no %s", "http://u:p@h/")
    try:
        password = "hunter2"  # noqa: F841
        raise ValueError("bad http://u:p@h/")
    except ValueError:
        structlog.get_logger("x").exception("it broke")
    own, library, broken = [json.loads(line) for line in capsys.readouterr().err.splitlines()]
    assert (own["service"], own["version"], own["level"], own["event"]) == (
        "lab",
        "1.2",
        "warning",
        "it failed",
    )
    assert own["run_id"] == "r1"
    assert own["url"] == "http://***@h/"
    assert own["timestamp"].endswith("Z")
    assert (library["event"], library["logger"], library["service"]) == (
        "no http://***@h/",
        "uvicorn.error",
        "lab",
    )
    assert broken["exception"][0]["exc_value"] == "bad http://***@h/"
    assert "hunter2" not in json.dumps(broken)


def test_a_line_for_people_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logs("lab", format="console", level="info", version="3f2a-release")
    structlog.get_logger("x").info("ready", pid=1)
    (line,) = capsys.readouterr().err.splitlines()
    assert "ready" in line
    assert "pid" in line
    assert "3f2a-release" not in line


def test_a_level_that_is_none_is_refused() -> None:
    with pytest.raises(ValueError, match="unknown log level"):
        configure_logs("lab", format="json", level="loud")
