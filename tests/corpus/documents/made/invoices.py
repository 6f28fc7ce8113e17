"""Invoices made from a number: the same number, the same file."""

from collections.abc import Iterator
from dataclasses import dataclass

from tests.corpus.documents.made.content import made_content
from tests.corpus.documents.made.layouts import HELD_OUT, TUNED
from tests.corpus.documents.made.paper import scanned


@dataclass(frozen=True)
class Made:
    """A made invoice: a PDF with a text layer, and what it truly says."""

    name: str
    pdf: bytes
    truth: dict[str, str]
    credit: bool

    def scan(self) -> bytes:
        """The same as it comes from a scanner."""
        return scanned(self.pdf, sum(self.name.encode()))


def made_invoices(count: int, *, held_out: bool, first: int = 0) -> Iterator[Made]:
    """`count` invoices. Held out are layouts, wordings and countries: rules must not be made from them."""
    layouts = HELD_OUT if held_out else TUNED
    for at in range(first, first + count):
        seed = at + (1_000_000 if held_out else 0)
        content = made_content(seed, held_out=held_out)
        layout = layouts[at % len(layouts)]
        pdf = layout(content)
        name = f"{'held-out' if held_out else 'tuned'}-{at}-{layout.__name__}-{content.locale.name}"
        yield Made(name, pdf, content.truth, content.credit)
