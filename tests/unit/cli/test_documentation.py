"""The pages about the command line say what it really is."""

import re
from pathlib import Path

from cli.app import app
from cli.exits import Exit
from tests.unit.cli.test_json_shapes import GOLDEN

DOCS = Path(__file__).parents[3] / "docs"


def commands() -> set[str]:
    flat = {str(command.name) for command in app.registered_commands}
    for group in app.registered_groups:
        assert group.typer_instance is not None
        flat |= {f"{group.name} {command.name}" for command in group.typer_instance.registered_commands}
    return flat


def test_every_command_is_documented_and_no_other() -> None:
    groups = "|".join(sorted((name.split()[1] for name in commands() if " " in name), reverse=True))
    named = re.findall(rf"`tagwerk ([a-z-]+(?: (?:{groups}))?)[ `]", (DOCS / "cli.md").read_text())
    assert set(named) == commands()


def test_every_exit_code_is_documented() -> None:
    documented = re.findall(r"^\| (\d+) \|", (DOCS / "cli.md").read_text(), re.MULTILINE)
    assert [int(code) for code in documented] == [int(code) for code in Exit]


def test_the_published_shapes_have_examples() -> None:
    assert "tests/unit/cli/golden/" in (DOCS / "cli.md").read_text()
    assert len(list(GOLDEN.glob("*.json"))) > 20


def test_the_glossary_is_in_order_and_each_word_has_a_sentence() -> None:
    rows = re.findall(r"^\| (.+?) \| (.+) \|$", (DOCS / "glossary.md").read_text(), re.MULTILINE)
    words = [word for word, _ in rows if word not in ("word", "---")]
    assert words == sorted(words, key=lambda word: word.replace("-", " ").lower())
    assert all(meaning.endswith((".", "...")) for word, meaning in rows if word in words)


def test_every_page_that_the_readme_points_to_exists() -> None:
    readme = (DOCS.parent / "README.md").read_text()
    for target in re.findall(r"\]\((?!http)([^)#]+)\)", readme):
        assert (DOCS.parent / target).exists(), target
