"""What services say to people: causes, next steps, what a probe found, choices. Found in their code.

Services write these sentences in English, into events that are kept for years. Pages, mails and reports
translate them by their templates (`shared/sentences`): `f"there is no client {client!r} that you act for"`
is the message `there is no client {client} that you act for`. A sentence is found where it is given to a
parameter with one of the names below, by whatever is called: directly, through a name, or as what a
function of the same file returns. What a probe or a check for problems returns is one, and so are texts
that are values of such a sentence (`it is {kind}`).
"""

import ast
import string
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from babel.messages.catalog import Catalog

ROOT = Path(__file__).parents[1]

#: The parameters that take sentences for people.
PARAMETERS = frozenset({"cause", "next_step", "mend", "reason", "detail", "note", "why", "derived"})
#: What these models are given besides.
MODELS = {
    "Failure": frozenset[str](),
    "Course": frozenset[str](),
    "Choice": frozenset({"label"}),
    "SystemState": frozenset({"words"}),
    "ActionTold": frozenset({"does"}),
    "Step": frozenset({"words"}),
    "Rule": frozenset({"name"}),
    "Candidate": frozenset[str](),
    "Finding": frozenset({"words"}),
    "InvoiceFinding": frozenset({"words"}),
    "Signal": frozenset[str](),
}
#: Tables of what is said, or named, in sentences. Their words are found however short they are.
TABLES = frozenset({"FIELDS", "CORRECTABLE", "SOURCE_NAMES", "REASONS"})

#: These speak for themselves, in catalogues of their own.
_APART = ("services/gateway/pages/", "services/gateway/preflight/")

#: With less, a template would fit sentences that it was not made for.
_FEWEST_LETTERS = 5

_Function = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True, slots=True)
class _Module:
    path: str
    tree: ast.Module
    #: What each function of the file returns, and what each name is given, anywhere in it.
    returned: dict[str, list[ast.expr]] = field(default_factory=dict)
    given: dict[str, list[ast.expr]] = field(default_factory=dict)


def service_messages() -> Catalog:
    """Every sentence of the services, with the file that says it."""
    modules = list(_modules())
    parameters = _parameters([module.tree for module in modules])
    found = Catalog()
    for module in modules:
        for sentence in _sentences(module, parameters):
            if _can_be_told_apart(sentence):
                found.add(sentence, locations=[(module.path, 0)])
        for name in sorted(TABLES & module.given.keys()):
            for value in module.given[name]:
                for sentence in _texts(module, value, frozenset()):
                    found.add(sentence, locations=[(module.path, 0)])
    return found


def _modules() -> Iterator[_Module]:
    for folder in ("services", "shared"):
        for file in sorted((ROOT / folder).rglob("*.py")):
            path = str(file.relative_to(ROOT))
            if not path.startswith(_APART):
                yield _module(path, ast.parse(file.read_text()))


def _module(path: str, tree: ast.Module) -> _Module:
    module = _Module(path, tree)
    for node in ast.walk(tree):
        if isinstance(node, _Function):
            found = [one.value for one in ast.walk(node) if isinstance(one, ast.Return) and one.value]
            module.returned.setdefault(node.name, []).extend(found)
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign):
            for target in node.targets:
                _note(module, target, node.value)
        elif isinstance(node, ast.AnnAssign) and node.value is not None:
            _note(module, node.target, node.value)
        elif (
            isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "append"
        ):
            _note(module, node.func.value, node.args[0])
    return module


def _note(module: _Module, target: ast.expr, value: ast.expr) -> None:
    if isinstance(target, ast.Name):
        module.given.setdefault(target.id, []).append(value)
    elif isinstance(target, ast.Tuple) and isinstance(value, ast.Tuple):
        for one, part in zip(target.elts, value.elts, strict=False):
            _note(module, one, part)
    elif isinstance(target, ast.Tuple) and isinstance(value, ast.Call):
        for part in module.returned.get(_name(value.func) or "", ()):
            if isinstance(part, ast.Tuple):
                _note(module, target, part)


def _parameters(trees: Iterable[ast.Module]) -> dict[str, list[str]]:
    """Function or class -> its positional parameters, of those that take a sentence. A class without a
    constructor of its own has its parent's."""
    classes: list[ast.ClassDef] = []
    # Models and parents' constructors are given sentences by name.
    found: dict[str, list[str]] = {name: [] for name in (*MODELS, "__init__")}
    for node in (node for tree in trees for node in ast.walk(tree)):
        if isinstance(node, ast.ClassDef):
            classes.append(node)
            if node.name in MODELS:
                fields = [part.target for part in node.body if isinstance(part, ast.AnnAssign)]
                found[node.name] = [one.id for one in fields if isinstance(one, ast.Name)]
            for part in node.body:
                if isinstance(part, _Function) and part.name == "__init__":
                    _declare(found, node.name, part)
        elif isinstance(node, _Function) and node.name != "__init__":
            _declare(found, node.name, node)
    grown = True
    while grown:
        grown = False
        for node in classes:
            parents = [_name(base) for base in node.bases]
            heir = next((found[parent] for parent in parents if parent in found), None)
            if heir is not None and node.name not in found:
                found[node.name] = heir
                grown = True
    return found


def _declare(found: dict[str, list[str]], name: str, function: _Function) -> None:
    positional = [argument.arg for argument in function.args.args]
    named = [argument.arg for argument in function.args.kwonlyargs]
    if PARAMETERS & {*positional, *named}:
        found[name] = positional[1:] if positional[:1] in (["self"], ["cls"]) else positional


def _name(node: ast.expr) -> str | None:
    return node.id if isinstance(node, ast.Name) else node.attr if isinstance(node, ast.Attribute) else None


def _sentences(module: _Module, parameters: dict[str, list[str]]) -> Iterator[str]:
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Call) and (called := _name(node.func)) in parameters:
            positional = zip(parameters[called], node.args, strict=False)
            named = ((keyword.arg, keyword.value) for keyword in node.keywords)
            for name, value in [*positional, *named]:
                if name in PARAMETERS or name in MODELS.get(called or "", ()):
                    yield from _texts(module, value, frozenset())
        elif isinstance(node, _Function) and any(one in node.name for one in ("probe", "problem")):
            for value in module.returned[node.name]:
                yield from _texts(module, value, frozenset())


def _texts(module: _Module, value: ast.expr, seen: frozenset[str]) -> Iterator[str]:
    """What an expression may say: every branch of it, and what a name is given in this file."""
    match value:
        case ast.Constant(value=str(text)):
            yield _escaped(text)
        case ast.JoinedStr():
            yield _template(value)
            for part in value.values:
                if isinstance(part, ast.FormattedValue):
                    yield from _texts(module, part.value, seen)
        case ast.BinOp(op=ast.Add()):
            for left in _texts(module, value.left, seen):
                ends = list(_texts(module, value.right, seen))
                # Of what is joined only whole sentences, and no values in them.
                joined = isinstance(value.right, ast.Call)
                yield from (left + end for end in ends if not joined or " " in end.strip())
        case ast.IfExp():
            yield from _texts(module, value.body, seen)
            yield from _texts(module, value.orelse, seen)
        case ast.BoolOp():
            for part in value.values:
                yield from _texts(module, part, seen)
        case ast.Dict(values=parts) | ast.Tuple(elts=parts):
            for part in parts:
                yield from _texts(module, part, seen)
        case ast.GeneratorExp(elt=part) | ast.Call(func=ast.Attribute(attr="join"), args=[part]):
            yield from _texts(module, part, seen)
        case ast.Subscript() | ast.Call(func=ast.Attribute(attr="get")):
            table = value.value if isinstance(value, ast.Subscript) else value.func.value  # type: ignore[attr-defined]
            yield from _texts(module, table, seen)
        case ast.Name(id=name) if name not in seen:
            for part in module.given.get(name, ()):
                yield from _texts(module, part, seen | {name})
        case ast.Call(func=ast.Name(id=name)) if name not in seen:
            for part in module.returned.get(name, ()):
                yield from _texts(module, part, seen | {name})


def _template(text: ast.JoinedStr) -> str:
    """`f"{len(keys)} of {run.id}"` -> `{1} of {id}`: a name where there is one, else a number."""
    written: list[str] = []
    names: list[str] = []
    for part in text.values:
        if isinstance(part, ast.FormattedValue):
            name = (_name(part.value) or "").strip("_").lower()
            names.append(name if name and name not in names else str(len(names) + 1))
            written.append(f"{{{names[-1]}}}")
        elif isinstance(part, ast.Constant):
            written.append(_escaped(str(part.value)))
    return "".join(written)


def _escaped(text: str) -> str:
    """Braces that belong to the sentence (`{"only": "all"}`), as `str.format` writes them."""
    return text.replace("{", "{{").replace("}", "}}")


def _can_be_told_apart(sentence: str) -> bool:
    """Whether it is made of words, and says enough by itself to be recognized."""
    parts = list(string.Formatter().parse(sentence))
    literal = "".join(text for text, *_ in parts)
    bare = all(name is None for _, name, *_ in parts)
    return " " in literal.strip() and (bare or sum(map(str.isalpha, literal)) >= _FEWEST_LETTERS)
