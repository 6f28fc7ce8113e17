"""The form that starts a job: from a schema to fields, to parameters, and to what can be copied."""

import json
import shlex
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as some

from cli.parameters import parse_parameters
from deploy.messages import declared_jobs
from services.gateway.pages.formats import Formats
from services.gateway.pages.preferences import preferences_of
from services.gateway.pages.start.equivalents import call, command
from services.gateway.pages.start.fields import Field, fields_of, label_of, rows_of
from services.gateway.pages.start.filled import parameters_of, texts_of, values_of
from services.gateway.pages.start.sentences import sentences
from services.gateway.pages.start.view import errors_of, split
from services.gateway.parameters import wrong_parameters
from services.gateway.preflight.sayings import Ago, Saying, Told
from services.gateway.problems import WrongField
from shared.jobs import CatalogueEntry
from shared.words import Danger, RunState
from tests.unit.gateway.pages.jobs import entry

ZURICH = ZoneInfo("Europe/Zurich")
FILE = {"type": "string", "format": "incoming-file"}
SCHEMA: dict[str, Any] = {
    "type": "object",
    "required": ["count"],
    "properties": {
        "note": {"anyOf": [{"type": "string", "maxLength": 9}, {"type": "null"}], "default": None,
                 "description": "A note", "x-choices": "note"},
        "count": {"type": "integer", "minimum": 1, "maximum": 9},
        "share": {"type": "number", "default": 0.5},
        "since": {"anyOf": [{"type": "string", "format": "date"}, {"type": "null"}], "default": None},
        "source": {"enum": ["ecb", "both"], "type": "string", "default": "both"},
        "until": {"anyOf": [{"type": "string", "format": "date"}, {"type": "null"}], "default": None},
        "at": {"type": "string", "format": "date-time", "default": None},
        "known": {"type": "boolean", "default": True},
        "file": {"anyOf": [FILE, {"type": "null"}], "default": None},
        "numbers": {"type": "array", "items": {"type": "integer"}, "default": []},
        "kinds": {"type": "array", "items": {"enum": ["a", "b"]}, "default": ["a"]},
        "more": {"type": "object", "default": None},
    },
}  # fmt: skip


def fields() -> dict[str, Field]:
    return {field.name: field for field in fields_of(SCHEMA)}


def parameters(**texts: str | list[str]) -> dict[str, Any]:
    sent = [
        (f"p.{name}", text)
        for name, some in texts.items()
        for text in ([some] if isinstance(some, str) else some)
    ]
    return parameters_of(fields_of(SCHEMA), values_of([*sent, ("client", "main")]), ZURICH)


def test_every_parameter_gets_the_control_for_its_type_and_the_required_ones_come_first() -> None:
    assert {name: field.kind for name, field in fields().items()} == {
        "count": "number", "note": "text", "share": "number", "since": "date", "source": "one_of",
        "until": "date", "at": "moment", "known": "yes_no", "file": "file", "numbers": "lines",
        "kinds": "some_of", "more": "json",
    }  # fmt: skip
    assert next(iter(fields())) == "count"
    assert (fields()["count"].minimum, fields()["count"].maximum, fields()["count"].whole) == (1, 9, True)
    assert (fields()["note"].source, fields()["note"].max_length, fields()["note"].nullable) == (
        "note",
        9,
        True,
    )
    assert label_of("execution_date") == "Execution date"


def test_both_ends_of_a_range_stand_beside_each_other() -> None:
    rows = rows_of(fields_of(SCHEMA))
    assert ["since", "until"] in [[field.name for field in row] for row in rows]
    assert sum(len(row) for row in rows) == len(SCHEMA["properties"])
    required, optional = split(fields_of(SCHEMA))
    assert [[field.name for field in row] for row in required] == [["count"]]
    assert len(optional) == 10


@pytest.mark.parametrize(
    ("texts", "wanted"),
    [
        ({"count": " 3 "}, {"count": 3}),
        ({"count": "three"}, {"count": "three"}),
        ({"note": "", "since": "", "numbers": "", "at": "", "more": ""}, {}),
        ({"note": " INV 1 "}, {"note": "INV 1"}),
        ({"source": "both", "share": "0.5", "known": "true"}, {}),
        ({"source": "ecb", "known": "false"}, {"source": "ecb", "known": False}),
        ({"numbers": "1\n 2\r\n\n2\nx"}, {"numbers": [1, 2, "x"]}),
        ({"kinds": ["a", "b"]}, {"kinds": ["a", "b"]}),
        ({"kinds": [""]}, {"kinds": []}),
        ({"kinds": ["a"]}, {}),
        ({"at": "2026-03-01T14:00"}, {"at": "2026-03-01T14:00:00+01:00"}),
        ({"at": "2026-07-01T14:00:05"}, {"at": "2026-07-01T14:00:05+02:00"}),
        ({"at": "soon"}, {"at": "soon"}),
        ({"file": ["upload:ab/x.xml", ""]}, {"file": "upload:ab/x.xml"}),
        ({"file": ["upload:ab/x.xml", "june.xml"]}, {"file": "june.xml"}),
        ({"more": '{"a": [1]}'}, {"more": {"a": [1]}}),
        ({"stranger": "x"}, {"stranger": "x"}),
    ],
)
def test_what_stands_in_the_fields_becomes_parameters(texts: dict[str, Any], wanted: dict[str, Any]) -> None:
    assert parameters(**texts) == wanted


def test_an_earlier_run_fills_the_form_with_its_parameters() -> None:
    given = {
        "count": 3, "note": "x", "since": "2026-03-01", "at": "2026-03-01T13:00:00+00:00", "known": False,
        "numbers": [1, 2], "kinds": ["b"], "more": {"a": 1}, "gone": "a parameter of an older version",
    }  # fmt: skip
    texts = texts_of(fields_of(SCHEMA), given, ZURICH)
    assert texts["at"] == ["2026-03-01T14:00:00"]
    assert texts["source"] == ["both"]
    again = parameters_of(fields_of(SCHEMA), texts, ZURICH)
    assert again == {**{k: v for k, v in given.items() if k != "gone"}, "at": "2026-03-01T14:00:00+01:00"}


@pytest.mark.parametrize("job", list(declared_jobs()), ids=lambda job: job.id)
def test_every_job_has_a_form_that_starts_it_as_it_stands(job: CatalogueEntry) -> None:
    found = fields_of(job.parameters)
    kinds = {"text", "number", "date", "one_of", "some_of", "yes_no", "lines", "file"}
    assert {field.kind for field in found} <= kinds
    empty = parameters_of(found, texts_of(found, {}, ZURICH), ZURICH)
    wrong = {one.field for one in wrong_parameters(job.parameters, empty)}
    assert wrong == {f"parameters.{field.name}" for field in found if field.required}


# --- what can be copied ----------------------------------------------------------------------------

JSON = some.recursive(
    some.none() | some.booleans() | some.integers() | some.text(max_size=9),
    lambda inner: some.lists(inner, max_size=3) | some.dictionaries(some.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)
#: A command line has no NUL, and no halves of pairs.
TEXT = some.text(some.characters(codec="utf-8", exclude_characters="\0"), max_size=20)


@given(
    note=TEXT.filter(bool), lines=some.lists(TEXT, min_size=1, max_size=3), count=some.integers(), reason=TEXT
)
def test_the_command_says_the_same_to_a_shell(note: str, lines: list[str], count: int, reason: str) -> None:
    schema = {
        "properties": {
            "note": {"type": "string"},
            "lines": {"type": "array", "items": {"type": "string"}},
            "count": {"type": "integer"},
        }
    }
    wanted = {"note": note, "lines": lines, "count": count}
    written = command(entry(parameters=schema), "main", wanted, reason=reason, dry_run=False)
    words = shlex.split(written)
    assert words[:5] == ["tagwerk", "start", "integrations.import-daily-rates", "--client", "main"]
    pairs = [word for place, word in enumerate(words) if words[place - 1] == "-p"]
    assert parse_parameters(pairs, schema) == wanted
    assert (words[-1] == reason) if reason else "--reason" not in words


@given(value=JSON, reason=TEXT)
def test_the_call_says_the_same_over_http(value: Any, reason: str) -> None:
    job = entry(danger=Danger.EXTERNAL_BOOKING)
    words = shlex.split(call(job, "main", {"value": value}, reason=reason, dry_run=False))
    assert json.loads(words[-1]) == {
        "client": "main", "parameters": {"value": value}, "confirm": job.id, "reason": reason or "…",
    }  # fmt: skip
    dry = shlex.split(call(job, None, {}, reason="", dry_run=True))
    assert json.loads(dry[-1]) == {"parameters": {}, "dry_run": True}


def test_a_dangerous_job_is_confirmed_in_the_command_and_a_dry_run_is_not() -> None:
    job = entry(danger=Danger.DESTRUCTIVE)
    said = command(job, "main", {}, reason="it's time", dry_run=False)
    assert shlex.split(said)[-4:] == ["--confirm", job.id, "--reason", "it's time"]
    assert command(job, "main", {}, reason="", dry_run=True).endswith("--client main --dry-run")


# --- sentences -------------------------------------------------------------------------------------


def written(saying: Saying, language: str) -> str:
    now = datetime(2026, 3, 1, 14, tzinfo=UTC)
    return str(sentences([saying], language, Formats(preferences_of({"language": language}, "", "UTC"), now)))  # type: ignore[arg-type]


def test_a_sentence_is_of_the_readers_language_with_its_values() -> None:
    now = datetime(2026, 3, 1, 14, tzinfo=UTC)
    run = UUID("01956000-0000-7000-8000-000000000001")
    saying = Saying.of(
        "It ran %(ago)s with the same parameters (run %(run)s, %(state)s: %(counts)s).",
        ago=Ago(now - timedelta(minutes=20), now),
        run=run,
        state=RunState.SUCCEEDED,
        counts={"created": 1214},
    )
    link = f'<a href="/runs/{run}"><code>{run}</code></a>'
    assert written(saying, "en") == (
        f"It ran 20 minutes ago with the same parameters (run {link}, succeeded: 1,214 created)."
    )
    german = written(saying, "de")
    assert german.startswith("Er lief vor 20 Minuten mit denselben Parametern")
    assert "gelungen: 1’214 neu" in german
    held_back = Saying.of(
        "Calls of %(name)s are held back until %(then)s; the run would wait for that long.",
        name="erp",
        then=now,
    )
    assert "<code>erp</code> werden bis 01.03.2026, 14:00:00 zurückgehalten" in written(held_back, "de")


def test_what_somebody_else_said_is_escaped_and_marked_as_english() -> None:
    saying = Saying.of("%(words)s", words=Told("<script>alert(1)</script>"))
    assert written(saying, "en") == "&lt;script&gt;alert(1)&lt;/script&gt;"
    assert written(saying, "de") == '<span lang="en">&lt;script&gt;alert(1)&lt;/script&gt;</span>'
    assert "&lt;b&gt;" in written(Saying.of("%(name)s is required.", name="<b>"), "de")


def test_errors_stand_at_their_fields() -> None:
    wrong = [
        WrongField(field="parameters.documents.0", message="is no uuid"),
        WrongField(field="parameters.documents.1", message="is no uuid either"),
        WrongField(field="parameters.count", message="is required"),
    ]
    errors = errors_of(wrong)
    assert (errors["documents"].words, errors["documents"].message) == ("is no uuid", False)
    assert (errors["count"].words, errors["count"].message) == ("This has to be filled in.", True)
