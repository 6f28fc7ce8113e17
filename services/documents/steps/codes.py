"""QR codes on a page, read by ZXing."""

from collections.abc import Iterator
from typing import Final

import zxingcpp
from PIL import Image

from services.documents.invoices.words import Box

#: Dots per inch that a page is looked at with; QR-bills are read from 75.
DPI: Final = 200


def qr_codes(page: Image.Image, dpi: float) -> Iterator[tuple[str, Box]]:
    """Text and box (points from the upper left corner) of each QR code on a gray page of `dpi`."""
    scale = 72 / dpi
    for code in zxingcpp.read_barcodes(page, formats=zxingcpp.BarcodeFormats(zxingcpp.BarcodeFormat.QRCode)):
        corners = code.position
        points = [corners.top_left, corners.top_right, corners.bottom_left, corners.bottom_right]
        xs, ys = [point.x * scale for point in points], [point.y * scale for point in points]
        yield code.text, (round(min(xs), 1), round(min(ys), 1), round(max(xs), 1), round(max(ys), 1))
