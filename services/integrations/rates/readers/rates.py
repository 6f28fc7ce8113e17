"""A file of exchange rates, whoever publishes it: recognized by its root element."""

from services.integrations.rates.core import Publication
from services.integrations.rates.readers import bazg, ecb
from services.integrations.rates.readers.document import local_name, malformed, parse


def read_rates(content: bytes, origin: str) -> Publication:
    """What the file says. `origin` is the system or file that errors name.

    Raises `rates_xml_unsafe` and `rates_malformed`.
    """
    root = parse(content, origin)
    match local_name(root):
        case ecb.ROOT:
            return ecb.read(root, origin)
        case bazg.ROOT:
            return bazg.read(root, origin)
        case other:
            raise malformed(
                origin, f"its root element {other[:40]!r} is neither {ecb.ROOT} (ECB) nor {bazg.ROOT} (BAZG)"
            )
