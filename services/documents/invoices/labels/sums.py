"""What invoices call their sums, and the words around them that tell one sum from another."""

from typing import Final

from services.documents.invoices.labels.patterns import words

_INCL: Final = (
    r"(?:inkl|incl|ttc|t\.t\.c|toutes\s*taxes|iva\s*(?:inclusa|incl|compresa)|brutto|with\s*(?:vat|tax))"
)
_EXCL: Final = (
    r"(?:exkl|excl|ohne|vor|ht\b|h\.t|hors|net(?:to|te)?\b|before|without|imponibile|ex\b|iva\s*esclus)"
)
_TAX: Final = (
    r"(?:mwst|mw[\s-]?st|must|ust\b|umsatzsteuer|mehrwertsteuer|steuer|t\.?v\.?a\b|i\.?v\.?a\b|"
    r"imposta|vat\b|(?:sales\s*|state\s*)?tax\b|gst\b|btw\b)"
)
#: Labels of sums that are no total of the invoice.
NO_TOTAL: Final = words(
    r"[üu]bertrag|seiten[\s-]?(?:summe|total)|zwischentotal\s*seite|"
    r"(?:[àa]\s*)?report(?:er)?(?![a-z])|(?:a\s*)?riport(?:o|are)",
    r"carried\s*(?:forward|over)|brought\s*forward|page\s*(?:total|sum)|sous-total\s*page",
    r"saldo(?:vortrag)?|(?:ancien|pr[ée]c[ée]dent)\s*solde|solde\s*(?:pr[ée]c[ée]dent|"
    r"ant[ée]rieur)|previous\s*(?:balance|bill|invoice)|balance\s*(?:brought|forward)|"
    r"vormonat|offener\s*betrag",
    r"rabatt|nachlass|skonto|remise|rabais|escompte|sconto|ribasso|discount|rebate|savings?|you\s+saved",
    r"versand|porto|fracht|frais|port\b|livraison|sped|trasporto|shipping|freight|handling|delivery",
    r"total\s*(?:des\s*)?articles|totale\s*merce|items?\b|total\s*(?:quantity|qty|hours|"
    r"items)|gesamt(?:menge|gewicht|stunden)|anzahl",
    r"stk|einzelpreis|prix\s*unitaire|prezzo\s*unitario|unit\s*price|preis\s*/|per\s*(?:unit|hour)",
)
#: What was paid before, and is not to be paid again.
PAID: Final = words(
    r"anzahlung|akonto|vorauszahlung|bereits\s*(?:be|ge)zahlt|erhaltene\s*zahlung|teilzahlung|"
    r"abz[üu]glich\s*zahlung",
    r"acompte|d[ée]j[àa]\s*(?:pay|r[ée]gl|vers)|paiements?\s*re[çc]us?|acconto|gi[àa]\s*(?:pagat|versat)",
    r"(?:amount\s*)?paid(?!\s*by)|prepaid|deposit|payments?\s*received|less\s*payment|advance",
)
#: What is left to be paid after that.
_PAYABLE: Final = (
    r"rest(?:betrag|zahlung|summe)|zahl(?:ungs)?betrag|zu\s*(?:be)?zahlen(?:der\s*betrag)?|"
    r"noch\s*offen|zahllast|offener\s*betrag",
    r"net\s*[àa]\s*payer|(?:reste|solde|somme|montant|total)\s*(?:[àa]\s*(?:payer|r[ée]gler)|d[ûu])",
    r"(?:totale?|saldo|importo|netto)\s*(?:da|a)\s*pagare",
    r"(?:amount|balance|total)\s*(?:due|payable|owing|outstanding|to\s*(?:be\s*)?pa(?:y|id))|"
    r"to\s*pay\b|pay\s*this\s*amount",
    r"te\s*betalen",
)
PAYABLE: Final = words(*_PAYABLE)
#: Labels of sums, the surest first.
GROSS: Final = (
    words(
        r"(?:gesamt|rechnungs|end|brutto)[\s-]*(?:betrag|summe|total)(?!\s*(?:netto|exkl|ohne|der|vor))",
        rf"(?:gesamt(?:summe|betrag)?|summe|betrag|totale?|totaal|montant(?:\s*total)?|importo|"
        rf"amount|invoice\s*total|prix)\s*\(?{_INCL}",
        r"brutto(?:summe|betrag|total)?(?![a-z])",
        r"(?:total|montant)\s*(?:de\s*la\s*)?facture",
        r"totale\s*(?:fattura|documento|complessivo|generale)",
        r"importo\s*(?:totale|complessivo)",
        r"(?:grand|gross)\s*(?:total|amount)",
        r"(?:invoice|order|bill)\s*(?:total|amount)",
        r"total\s*(?:amount|g[ée]n[ée]ral|invoice)",
        r"montant\s*total(?!\s*(?:ht|hors|tva))",
        *_PAYABLE,
    ),
    words(
        rf"gesamt(?![a-z])(?!\s*{_EXCL})",
        rf"total(?![a-z])(?!\s*\(?{_EXCL})(?!\s*{_TAX})",
        rf"totale(?![a-z])(?!\s*\(?{_EXCL})(?!\s*{_TAX})",
        rf"totaal(?!\s*(?:{_EXCL}|btw))",
        rf"summe(?![a-z])(?!\s*\(?{_EXCL})(?!\s*{_TAX})",
    ),
)
NET: Final = words(
    r"(?:rechnungs)?(?:summe|betrag|total)\s*\(?(?:ohne|vor|exkl\w*\.?|zzgl\.?)\s*(?:ust|mwst|steuer|must)",
    r"(?:netto|gesamt\s*netto|waren)[\s-]*(?:betrag|summe|wert|total)",
    rf"(?:summe|totale?|gesamt(?:betrag|summe)?|betrag|zwischensumme|montant|importo|prix|"
    rf"amount)\s*\(?{_EXCL}",
    r"zwischen(?:summe|total)",
    r"netto(?!\s*inkl)(?!\s*(?:tage|\d+\s*tage|zahlbar))(?![a-z])",
    r"total\s*(?:\(?ht\b|h\.t|hors|before\s*tax|without)",
    r"(?:montant|prix|base|total)\s*(?:total\s*)?(?:ht\b|hors\s*(?:taxes?|tva))",
    r"sous[\s-]total",
    r"(?:totale\s*)?imponibile",
    r"sub\s?-?\s?total",
    r"net\s*(?:amount|total|value|price)",
    r"(?:taxable|taxed)\s*(?:amount|value)",
    r"base\s*(?:imposable|tva)",
    r"(?:steuer)?bemessungsgrundlage",
    r"subtotaal",
    r"(?:totaal\s*)?excl(?:usief|\.)?\s*btw",
    r"exclusief\s*btw",
)
VAT: Final = words(
    r"(?:mehrwert|umsatz)[\s-]*steuer",
    r"\+?\s*\d*[.,]?\d*\s*%?\s*(?:mwst|mw[\s-]?st|ust|must)\b\.?",
    r"steuer(?:betrag)?(?![a-z])",
    r"t\.?v\.?a\.?(?![a-z])",
    r"i\.?v\.?a\.?(?![a-z])",
    r"imposta(?![a-z])",
    r"(?:sales\s*|state\s*)?tax(?![a-z])",
    r"value\s*added\s*tax",
    r"vat\b",
    r"gst\b",
    r"btw\b",
)
#: On a line with one of these, `VAT` names a registration and no sum.
NO_VAT_SUM: Final = words(
    r"(?:mwst|ust|vat|tva|iva|btw|tax)[\s.-]*(?:id|nr|no\b|n[.°º]|number|num|reg|intracom|intra|payée)",
    r"n\s?[°ºo.]*\s*(?:de\s*)?(?:tva|iva)",
    r"ust-?id",
    r"partita\s*iva",
    r"p\.?\s?iva",
    r"zzgl\.?\s*(?:ges|der)",
    r"(?:tax|vat)\s+invoice",
)
#: On a line with one of these, VAT is a share of the total, and not added to it.
INCLUDED: Final = words(
    r"inkl",
    r"incl",
    r"enthalt",
    r"darin",
    r"dont",
    r"di\s+cui",
    r"inclus[ae]",
    r"includ",
    r"of\s+which",
    r"davon",
)
#: Heads of columns of items: sums below them are of one item.
ITEM_HEADS: Final = words(
    r"menge|anzahl|stk|einzelpreis|bezeichnung|beschreibung|artikel|leistung(?!s)|pos\.?(?![a-z])|preis",
    r"qt[ée]|quantit[ée]|d[ée]signation|prix\s*unit|p\.?u\.?\b|r[ée]f[ée]rence\s*article|libell[ée]",
    r"quantit[àa]|q\.?t[àa]|descrizione|prezzo|prestazione",
    r"qty|quantity|description|unit\s*price|rate\b|hours|item\b|product",
    r"aantal|omschrijving|prijs",
)
