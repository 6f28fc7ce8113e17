"""The gateway's pure decisions."""

from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.gateway import core
from shared.access import ADMINISTRATOR, EVERY_CLIENT, Access, Principal
from shared.errors import TagwerkError
from shared.events import DocumentUploaded
from shared.ids import run_id_of
from shared.jobs import CatalogueEntry
from shared.words import Kind, Level


def principal(id: str = "ada", roles: set[str] | None = None, clients: set[str] | None = None) -> Principal:
    return Principal(
        id=id, name=id, roles=frozenset(roles or ()),
        clients=frozenset({"alpha"} if clients is None else clients),
    )  # fmt: skip


def entry(
    id: str,
    *roles: str,
    level: Level = Level.GENERAL,
    on: str | None = "event.document.uploaded",
    retired: bool = False,
) -> CatalogueEntry:
    return CatalogueEntry(
        id=id, service="desk", title=id, description="", kind=Kind.PROCESSING, owner="", timeout=1,
        access=Access(module="desk", level=level, roles=frozenset(roles)), expected_runtime=1, retry="",
        safe_to_repeat=True, repeat="", systems=[], output="", expected_result="", logs="",
        troubleshooting="", parameters={}, software_version="1", on=on, retired=retired,
    )  # fmt: skip


EVENT = DocumentUploaded(
    client="alpha", principal="ada", document_id=uuid4(), file_name="a.pdf", media_type="application/pdf",
    size=1, sha256="0" * 64,
)  # fmt: skip


def test_a_client_need_not_be_named_where_there_is_one() -> None:
    assert core.client_of(principal(), None) == "alpha"
    assert core.client_of(principal(clients={EVERY_CLIENT}), None) == "main"
    assert core.client_of(principal(clients={EVERY_CLIENT, "alpha"}), None) == "main"
    assert core.client_of(principal(clients={"alpha", "beta"}), "beta") == "beta"


@pytest.mark.parametrize(
    ("clients", "code"), [({"alpha", "beta"}, "client_ambiguous"), (set(), "client_missing")]
)
def test_a_client_has_to_be_named_where_there_are_several_or_none(clients: set[str], code: str) -> None:
    with pytest.raises(TagwerkError) as caught:
        core.client_of(principal(clients=clients), None)
    assert caught.value.failure.code == code


@pytest.mark.parametrize("name", ["..", "../x", "a/b", "", ".a", "A", "a\n", "a\x00", "a" * 64])
def test_a_name_that_could_leave_the_folder_is_no_client(name: str) -> None:
    assert not core.is_client_name(name)


def test_a_query_sees_the_clients_and_jobs_of_its_principal() -> None:
    jobs = [entry("desk.a", "clerk")]
    scope = core.scope_of(principal(), jobs)["scope"]
    assert (scope.clients, scope.jobs) == ({"alpha"}, {"desk.a"})
    scope = core.scope_of(principal(roles={ADMINISTRATOR}, clients={EVERY_CLIENT}), jobs)["scope"]
    assert (scope.clients, scope.jobs) == (None, None)
    scope = core.scope_of(principal(clients=set()), jobs)["scope"]
    assert scope.clients == frozenset()


def test_an_upload_names_the_runs_that_its_author_may_cause_and_the_asker_may_see() -> None:
    ada, sam = principal(roles={"clerk"}), principal("sam")
    jobs = [
        entry("desk.a", "clerk"), entry("desk.b", "other"), entry("desk.c", "clerk", on=None),
        entry("desk.d", "clerk", retired=True), entry("desk.e", "clerk", level=Level.TECHNICAL),
    ]  # fmt: skip
    key = str(EVENT.id)
    assert core.runs_caused(EVENT, ada, ada, jobs) == {
        "desk.a": run_id_of("alpha", "ada", "desk.a", key),
        "desk.e": run_id_of("alpha", "ada", "desk.e", key),
    }
    assert list(core.runs_caused(EVENT, ada, sam, jobs)) == ["desk.a"]
    assert core.runs_caused(EVENT, sam, ada, jobs) == {}


def test_whoever_may_start_one_of_the_jobs_may_upload() -> None:
    jobs = [entry("desk.a", "clerk"), entry("desk.b", "other", "more"), entry("desk.c", "x", on=None)]
    assert core.roles_missing_for_upload(principal(roles={"clerk"}), "alpha", jobs) == []
    assert core.roles_missing_for_upload(principal(), "alpha", jobs) == ["clerk", "more", "other"]
    assert core.roles_missing_for_upload(principal(), "alpha", []) == []


def test_nobody_gives_what_they_do_not_have() -> None:
    giver = principal("tech", clients={"alpha"})
    assert core.why_not_grant(giver, None, principal(clients={"alpha"})) is None
    assert core.why_not_grant(giver, principal(clients={"alpha", "beta"}), principal()) is not None
    assert core.why_not_grant(giver, principal(roles={ADMINISTRATOR})) is not None
    assert core.why_not_grant(giver, principal(clients={EVERY_CLIENT})) is not None
    root = principal("root", roles={ADMINISTRATOR}, clients={EVERY_CLIENT})
    assert core.why_not_grant(root, principal(roles={ADMINISTRATOR}, clients={EVERY_CLIENT})) is None


def test_a_partial_rerun_has_to_have_records_and_fit_into_a_message() -> None:
    run = UUID(int=1)
    assert core.keys_for_rerun(run, ["a"], {"failed": 1}) == ["a"]
    with pytest.raises(TagwerkError, match="no record"):
        core.keys_for_rerun(run, [], {"created": 2})
    with pytest.raises(TagwerkError, match="cannot be named"):
        core.keys_for_rerun(run, ["x" * 500] * 2000, {"failed": 2000})


@pytest.mark.parametrize(
    ("given_name", "safe"),
    [
        ("invoice.pdf", "invoice.pdf"), ("C:\\scans\\Rechnung März.pdf", "Rechnung März.pdf"),
        ("../../etc/passwd", "passwd"), ("", "document"), ("...", "document"), ("a\x00b\r\n.pdf", "ab.pdf"),
        ("fdp\u202e.exe", "fdp.exe"), ("/", "document"),
    ],
)  # fmt: skip
def test_a_file_name_is_made_safe(given_name: str, safe: str) -> None:
    assert core.safe_file_name(given_name) == safe


@given(st.text())
def test_any_file_name_becomes_one_that_can_be_stored_and_sent(name: str) -> None:
    safe = core.safe_file_name(name)
    assert 0 < len(safe.encode()) <= 200
    assert not set(safe) & set("/\\\x00\r\n")
    assert core.safe_file_name(safe) == safe


@pytest.mark.parametrize(
    ("payload", "client"),
    [(b'{"client": "alpha"}', "alpha"), (b"{}", None), (b"nonsense", None), (b'{"client": 7}', None),
     (b"[]", None)],
)  # fmt: skip
def test_a_dead_letter_names_its_client_or_none(payload: bytes, client: str | None) -> None:
    assert core.client_of_payload(payload.hex()) == client
