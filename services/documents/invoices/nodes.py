"""Walking an XML by local names, whatever its namespaces and prefixes."""

from typing import Any

from lxml import etree


def name_of(node: Any) -> str:
    return str(etree.QName(node).localname)


def all_at(node: Any, *path: str) -> list[Any]:
    """Descendants by a path of local names; `A|B` is either."""
    nodes = [] if node is None else [node]
    for step in path:
        names = step.split("|")
        nodes = [child for parent in nodes for child in parent if name_of(child) in names]
    return nodes


def first_at(node: Any, *path: str) -> Any:
    return next(iter(all_at(node, *path)), None)


def text_at(node: Any, *path: str) -> str | None:
    """The first text that is not empty."""
    return next(filter(None, map(said, all_at(node, *path))), None)


def said(node: Any) -> str:
    return (node.text or "").strip()


def in_currency(nodes: list[Any], currency: str | None) -> str | None:
    """The amount in the invoice's currency: VAT may be told in the currency of the accounts besides
    (BT-111)."""
    named = [node for node in nodes if node.get("currencyID") in (None, currency)]
    return said(named[0]) if named else None
