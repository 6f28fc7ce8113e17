"""A job's parameters as fields of a form, from their JSON Schema. Pure."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from services.gateway.pages.schema import behind
from shared.choices import KEYWORD
from shared.incoming import FORMAT as FILE

#: Which control a parameter gets.
Kind = Literal[
    "text", "number", "date", "moment", "yes_no", "one_of", "some_of", "lines", "file", "json",
]  # fmt: skip

#: Parameters that are two ends of a range, by their names.
_RANGES = (("since", "until"), ("from", "to"), ("start", "end"), ("first", "last"))


@dataclass(frozen=True, slots=True)
class Field:
    """One parameter. Values are texts, as a form has them."""

    name: str
    kind: Kind
    description: str
    required: bool
    default: Any
    #: `integer`, `number`, `string`, …: what a text is made into.
    type: str
    #: Of `one_of` and `some_of`: the values of an enumeration, in their order.
    options: Sequence[str] = ()
    #: Where its values come from, if they come from live data.
    source: str | None = None
    pattern: str | None = None
    minimum: float | None = None
    maximum: float | None = None
    max_length: int | None = None
    #: Whether numbers have no decimals.
    whole: bool = False
    #: Whether nothing may be given.
    nullable: bool = False

    @property
    def label(self) -> str:
        """What a person reads: the name as words."""
        return label_of(self.name)

    @property
    def several(self) -> bool:
        return self.kind in ("some_of", "lines")


def fields_of(schema: Mapping[str, Any]) -> list[Field]:
    """The fields of a job: those first that have to be filled in."""
    required = set(schema.get("required", ()))
    found = [
        _field(name, part, schema, required=name in required)
        for name, part in schema.get("properties", {}).items()
    ]
    return sorted(found, key=lambda field: not field.required)


def _field(name: str, part: Mapping[str, Any], schema: Mapping[str, Any], *, required: bool) -> Field:
    inner = behind(part, schema)
    several = inner.get("type") == "array"
    item = behind(inner.get("items", {}), schema) if several else inner
    options = _options(item)
    return Field(
        name=name,
        kind=_kind(item, options, several=several, source=part.get(KEYWORD)),
        description=part.get("description", inner.get("description", "")),
        required=required,
        default=part.get("default"),
        type=item.get("type", "string" if options else "object"),
        options=options,
        source=part.get(KEYWORD),
        pattern=item.get("pattern"),
        minimum=item.get("minimum"),
        maximum=item.get("maximum"),
        max_length=item.get("maxLength"),
        whole=item.get("type") == "integer",
        nullable=any(one.get("type") == "null" for one in part.get("anyOf", ())),
    )


def _options(item: Mapping[str, Any]) -> list[str]:
    if "const" in item:
        return [as_text(item["const"])]
    return [as_text(option) for option in item.get("enum", ())]


def _kind(item: Mapping[str, Any], options: Sequence[str], *, several: bool, source: str | None) -> Kind:
    if several:
        return "some_of" if options else "lines"
    if options:
        return "one_of"
    match item.get("format"), item.get("type"):
        case (_, "boolean"):
            return "yes_no"
        case (_, "integer" | "number"):
            return "number"
        case ("date", _):
            return "date"
        case ("date-time", _):
            return "moment"
        case (form, _) if form == FILE:
            return "file"
        case (_, "string"):
            return "text"
        case _:
            return "json"


def rows_of(fields: Sequence[Field]) -> list[list[Field]]:
    """The fields in rows: both ends of a range of days stand beside each other."""
    by_name = {field.name: field for field in fields}
    rows: list[list[Field]] = []
    placed: set[str] = set()
    for field in fields:
        if field.name in placed:
            continue
        end = _other_end(field, by_name)
        row = [field] if end is None else [field, end]
        placed |= {one.name for one in row}
        rows.append(row)
    return rows


def _other_end(field: Field, fields: Mapping[str, Field]) -> Field | None:
    for begins, ends in _RANGES:
        if field.name == begins or field.name.endswith(f"_{begins}"):
            end = fields.get(field.name.removesuffix(begins) + ends)
            if end is not None and field.kind == end.kind and field.kind in ("date", "moment"):
                return end
    return None


def label_of(name: str) -> str:
    """`execution_date` is `Execution date`."""
    return name.replace("_", " ").strip().capitalize() or name


def as_text(value: Any) -> str:
    """A value as a field shows it."""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
