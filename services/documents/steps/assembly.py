"""Make the searchable PDF: the pages as they are, with an invisible text layer on those that were recognized.

The original is only read. Embedded files, bookmarks and forms stay, because the document is changed and not
built anew.
"""

from pathlib import Path

import pikepdf


def assemble(document: Path, layers: dict[int, Path], target: Path) -> None:
    """Write the searchable PDF of `document` to `target`; `layers` are text layers by page number."""
    with pikepdf.open(document) as pdf:
        for number, layer in sorted(layers.items()):
            with pikepdf.open(layer) as text:
                page = pdf.pages[number - 1]
                page.add_overlay(text.pages[0], pikepdf.Rectangle(page.cropbox))
        pdf.save(target, deterministic_id=True)
