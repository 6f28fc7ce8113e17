"""The administrator's sign-in: random, hashed for the gateway, renewed when it expires."""

import hashlib
import json
import stat
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from deploy.local.sign_in import ensure_sign_in, issue_link, issue_sign_in
from shared.errors import TagwerkError

URL = "http://127.0.0.1:20001"


def test_a_new_sign_in_ends_the_one_before(tmp_path: Path) -> None:
    first = ensure_sign_in(tmp_path, URL)
    second = issue_sign_in(tmp_path)
    assert first.token != second.token
    assert second.url == URL
    stored = json.loads((tmp_path / "sign-in.json").read_text())
    assert stored["token_sha256"] == hashlib.sha256(second.token.encode()).hexdigest()
    assert stored["principal"] == "admin"
    assert json.loads((tmp_path / "credentials.json").read_text()) == {"url": URL, "token": second.token}


def test_the_sign_in_stays_over_starts_and_follows_the_address(tmp_path: Path) -> None:
    first = ensure_sign_in(tmp_path, URL)
    assert ensure_sign_in(tmp_path, URL) == first
    moved = ensure_sign_in(tmp_path, "http://127.0.0.1:20002")
    assert moved.token == first.token
    assert json.loads((tmp_path / "credentials.json").read_text())["url"] == "http://127.0.0.1:20002"


def test_an_expired_sign_in_is_replaced(tmp_path: Path) -> None:
    first = ensure_sign_in(tmp_path, URL)
    assert timedelta(days=29) < first.expires_at - datetime.now(UTC) <= timedelta(days=30)
    file = tmp_path / "sign-in.json"
    past = (datetime.now(UTC) - timedelta(seconds=1)).isoformat()
    file.write_text(json.dumps(json.loads(file.read_text()) | {"expires_at": past}))
    assert ensure_sign_in(tmp_path, URL).token != first.token


def test_a_sign_in_cut_short_between_its_two_files_is_replaced(tmp_path: Path) -> None:
    first = ensure_sign_in(tmp_path, URL)
    file = tmp_path / "credentials.json"
    file.write_text(json.dumps({"url": URL, "token": "of-the-new-one"}))
    renewed = ensure_sign_in(tmp_path, URL)
    assert renewed.token not in (first.token, "of-the-new-one")
    file.unlink()
    assert ensure_sign_in(tmp_path, URL).token != renewed.token


def test_the_files_are_for_their_owner_only(tmp_path: Path) -> None:
    issue_sign_in(tmp_path, URL)
    for name in ("credentials.json", "sign-in.json"):
        assert stat.S_IMODE((tmp_path / name).stat().st_mode) == 0o600


def test_without_a_stack_there_is_nothing_to_sign_in_to(tmp_path: Path) -> None:
    with pytest.raises(TagwerkError) as refused:
        issue_sign_in(tmp_path)
    assert refused.value.failure.code == "stack_never_started"


def test_a_link_is_known_by_its_hash_for_some_minutes(tmp_path: Path) -> None:
    with pytest.raises(TagwerkError) as refused:
        issue_link(tmp_path)
    assert refused.value.failure.code == "stack_never_started"
    sign_in = ensure_sign_in(tmp_path, URL)
    links = [issue_link(tmp_path) for _ in range(12)]
    assert len(set(links)) == 12
    file = tmp_path / "sign-in.json"
    text = file.read_text()
    stored = json.loads(text)["links"]
    tokens = [link.removeprefix(f"{URL}/sign-in/link?token=") for link in links]
    assert all(len(token) == 43 and token not in text for token in tokens)
    hashes = [hashlib.sha256(token.encode()).hexdigest() for token in tokens]
    assert [link["sha256"] for link in stored] == hashes[-10:]
    for link in stored:
        assert datetime.fromisoformat(link["expires_at"]) <= datetime.now(UTC) + timedelta(minutes=15)
    past = (datetime.now(UTC) - timedelta(seconds=1)).isoformat()
    content = json.loads(text)
    content["links"] = [{**link, "expires_at": past} for link in content["links"]]
    file.write_text(json.dumps(content))
    issue_link(tmp_path)
    assert len(json.loads(file.read_text())["links"]) == 1
    # The token goes on, and a new one takes the links with it.
    assert ensure_sign_in(tmp_path, URL).token == sign_in.token
    issue_sign_in(tmp_path)
    assert "links" not in json.loads(file.read_text())
