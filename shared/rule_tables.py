"""Reading TOML files of rules that people write: what is wrong is told with its line, its rule and the mend.

`Wrong` makes of a cause the error of one kind of file; everything here raises that.
"""

import difflib
import re
import tomllib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar, get_args

from pydantic import BaseModel, ValidationError

from shared.errors import TagwerkError

Model = TypeVar("Model", bound=BaseModel)
Wrong = Callable[[str], TagwerkError]


@dataclass(frozen=True, slots=True)
class RulesFile:
    """A file that is TOML and has only tables that there are."""

    text: str
    content: dict[str, Any]
    wrong: Wrong

    @classmethod
    def read(cls, path: Path, tables: Iterable[str], wrong: Wrong, *, written: str) -> "RulesFile":
        """`written` says which tables there are: `rules are [[rule]]`."""
        try:
            text = path.read_text()
            content = tomllib.loads(text)
        except OSError as error:
            raise wrong(f"it cannot be read: {error.strerror}") from error
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            raise wrong(f"it is no TOML: {error}") from error
        for name in content:
            if name not in (known := list(tables)):
                raise wrong(f"there is no table {name!r}{meant(name, known)}; {written}")
        return cls(text, content, wrong)

    def rules(self, table: str, model: type[Model]) -> Iterator[tuple[str, Model]]:
        """Each `[[table]]` with where it stands: `line 2, rule 1 (rates)`."""
        found = self.content.get(table, [])
        if not isinstance(found, list):
            raise self.wrong(f"each {table} is written as [[{table}]], in two brackets")
        header = re.compile(rf"\s*\[\[\s*{re.escape(table)}\s*\]\]")
        lines = [number for number, line in enumerate(self.text.splitlines(), 1) if header.match(line)]
        for index, written in enumerate(found):
            place = f"line {lines[index]}, " if index < len(lines) else ""
            called = f" ({written['name']})" if isinstance(written, dict) and "name" in written else ""
            where = f"{place}{table} {index + 1}{called}"
            yield where, self.one(where, written, model)

    def one(self, where: str, written: Any, model: type[Model]) -> Model:
        try:
            return model.model_validate(written)
        except ValidationError as error:
            raise self.wrong(f"{where}: {said(error, model)}") from error


def said(error: ValidationError, model: type[BaseModel]) -> str:
    """What is wrong with a table, on one line; of a field that there is not, the one that was meant."""
    words = []
    for detail in error.errors(include_url=False):
        place = ".".join(str(part) for part in detail["loc"])
        if detail["type"] == "extra_forbidden":
            known = _model_at(model, detail["loc"][:-1])
            names = [field.alias or name for name, field in known.model_fields.items()]
            words.append(f"there is no {place}{meant(str(detail['loc'][-1]), names)}")
        else:
            message = detail["msg"].removeprefix("Value error, ")
            words.append(f"{place}: {message}" if place else message)
    return "; ".join(words)


def meant(name: str, names: Iterable[str]) -> str:
    close = difflib.get_close_matches(name, list(names), n=1)
    return f", did you mean {close[0]}?" if close else ""


def _model_at(model: type[BaseModel], place: tuple[int | str, ...]) -> type[BaseModel]:
    """The model of what stands there below `model`."""
    for name in place:
        fields = {field.alias or key: field for key, field in model.model_fields.items()}
        if (field := fields.get(str(name))) is None:
            continue
        for kind in (field.annotation, *get_args(field.annotation)):
            if isinstance(kind, type) and issubclass(kind, BaseModel):
                model = kind
    return model
