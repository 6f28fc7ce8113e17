"""Untrusted XML to elements: no document type, no entities, nothing fetched from elsewhere."""

from typing import TYPE_CHECKING

from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import ParseError, fromstring

from shared.errors import TagwerkError

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element


def parse(content: bytes, origin: str) -> "Element":
    """The root element. Raises `rates_xml_unsafe` for a document type or entities (billion laughs, XXE) and
    `rates_malformed` for what is no XML. `origin` says where it comes from: a system or a file."""
    try:
        root: Element = fromstring(content, forbid_dtd=True)
    except DefusedXmlException as error:
        raise TagwerkError(
            "rates_xml_unsafe",
            f"the XML declares a document type or entities, which no rates need ({type(error).__name__})",
            concern=origin,
            next_step="Do not open it elsewhere; check the address or where the file comes from.",
        ) from error
    except (ParseError, ValueError, LookupError) as error:
        raise malformed(origin, f"it is no XML: {error}; it begins with {content[:40]!r}") from error
    return root


def malformed(origin: str, cause: str) -> TagwerkError:
    return TagwerkError(
        "rates_malformed",
        cause,
        concern=origin,
        next_step="Open the address or file and compare it with the formats that the job's page names.",
    )


def local_name(element: "Element") -> str:
    """The name without its namespace, which the sources have changed before."""
    tag = element.tag
    return tag.rpartition("}")[2] if isinstance(tag, str) else ""
