"""What invoices call their fields, in German, French, Italian, English and Dutch.

`strong` labels name a field and nothing else; `weak` ones may stand for something else too.
"""

import re
from dataclasses import dataclass
from typing import Final

_FLAGS: Final = re.IGNORECASE


@dataclass(frozen=True, slots=True)
class Label:
    field: str
    strong: re.Pattern[str]
    weak: re.Pattern[str] | None = None


def _words(*patterns: str) -> re.Pattern[str]:
    return re.compile(rf"(?<![a-zäöüéèàç-])(?:{'|'.join(patterns)})", _FLAGS)


#: `Nr.`, `n°`, `number`, ... after the thing that it numbers.
_NO: Final = r"(?:nummer|number|num[ée]ro|numero|num\.?|nr|no|n|#|id)(?![a-zäöü])\.?\s?[°º]?"
_N_BEFORE: Final = r"(?:n\s?[°º]|n[or]\.?|num[ée]ro|numero|n\.)"

NUMBERS: Final = (
    Label(
        "invoice_number",
        _words(
            rf"[a-zäöü]*rechnungs?(?:korrektur)?[\s-]*{_NO}",
            rf"(?:faktura|fakturen|beleg|gutschrift)s?[\s-]*{_NO}",
            r"(?:re|rg|rech|rechn)\.?\s?-?\s?nr\.?(?![a-z])",
            rf"facture\s*{_NO}",
            rf"{_N_BEFORE}\s*(?:de\s*(?:la\s*)?)?facture",
            rf"fattura\s*{_NO}",
            rf"{_N_BEFORE}\s*(?:della\s*|di\s*)?fattura",
            rf"(?:tax\s+)?invoice\s*{_NO}",
            rf"credit\s*note\s*{_NO}",
            rf"factuur[\s-]*{_NO}",
        ),
        _words(r"(?:rechnung|facture|fattura|invoice|gutschrift|avoir)(?![a-z])", r"#\s*(?=[\w-]*\d)"),
    ),
    Label(
        "customer_number",
        _words(
            rf"kunden[\s-]*{_NO}",
            rf"(?:num[ée]ro|{_N_BEFORE})\s*(?:de\s*)?client",
            rf"client\s*{_NO}",
            r"(?:code|r[ée]f(?:[ée]rence)?\.?)\s*client",
            r"(?:codice|numero)\s*cliente",
            rf"customer\s*{_NO}",
            rf"account\s*{_NO}",
            rf"klant[\s-]*{_NO}",
            r"id\.?\s?client",
        ),
    ),
    Label(
        "order_number",
        _words(
            r"(?:bestellung|auftrag|commande|ordine)\s*(?::|$)",
            rf"(?:auftrags|bestell|order)[\s-]*{_NO}",
            rf"(?:bestellung|auftrag)\s*{_NO}",
            rf"commande\s*{_NO}",
            rf"{_N_BEFORE}\s*(?:de\s*)?commande",
            rf"ordine\s*{_NO}",
            rf"{_N_BEFORE}\s*(?:d['’]\s*)?ordine",
            rf"(?:purchase\s+order|p\.?o\.?)\s*{_NO}",
        ),
    ),
)

DATES: Final = (
    Label(
        "due_date",
        _words(
            r"f[äa]llig(?:keit(?:s?datum)?)?(?:\s*(?:am|bis|per|zum))?",
            r"zahlbar\s*(?:sp[äa]testens\s*)?(?:bis|am)",
            r"zu\s*(?:be)?zahlen\s*bis",
            r"zahlungsziel",
            r"zahlbar\s[^.:]{0,40}?\bbis",
            r"bitte\s*(?:be)?zahlen\s*sie\s*bis",
            r"date\s*d['’\s]\s*[ée]ch[ée]ance",
            r"[ée]ch[ée]ance(?:\s*(?:le|au))?",
            r"date\s*limite(?:\s*de\s*(?:paiement|r[èe]glement))?(?:\s*le)?",
            r"(?:payable|[àa]\s*(?:payer|r[ée]gler))\s*(?:avant|au|jusqu['’]au)\s*(?:le)?",
            r"(?:data\s*(?:di\s*)?)?scadenza",
            r"(?:pagabile|da\s*pagare)\s*(?:entro|fino)(?:\s*(?:il|al))?",
            r"(?:payment\s*)?due\s*(?:date|on|by)?(?![a-z])",
            r"pay(?:able)?\s*(?:by|until|before)",
            r"verval(?:datum|t\s*op)",
        ),
    ),
    Label(
        "invoice_date",
        _words(
            r"(?:rechnungs|beleg|ausstellungs|faktura|gutschrifts)[\s-]*datum",
            r"datum\s*der\s*rechnung",
            r"rechnung\s*vom",
            r"date\s*(?:de\s*(?:la\s*)?)?factur(?:e|ation)",
            r"date\s*d['’\s]\s*[ée]mission",
            r"data\s*(?:della\s*|di\s*)?(?:fattura|emissione|documento)",
            r"(?:tax\s+)?invoice\s*date",
            r"date\s*of\s*(?:issue|invoice)",
            r"(?:issue|billing|bill)\s*date",
            r"date\s*issued",
            r"factuur[\s-]*datum",
            # `Facture n° 562 du 2 juillet 2015`: the number stands between.
            rf"[a-zäöü]*(?:rechnung(?:skorrektur)?|facture|fattura|invoice)\s*(?:{_NO}|{_N_BEFORE})?\s*:?\s*"
            r"[\w/.-]*\d[\w/.-]*,?\s*(?:vom|du|del|dated|of)(?![a-z])",
        ),
        re.compile(r"^(?:datum|date|data)(?=\s*:|\s*$|\s+\d)", _FLAGS),
    ),
)

#: Dates of something else: what stands behind them is no date of the invoice.
OTHER_DATES: Final = _words(
    r"(?:liefer|leistungs|bestell|auftrags|order|druck|geburts|valuta|versand|lever|besteld?)[\s-]*datum",
    r"date\s*(?:de\s*|of\s*)?(?:livraison|commande|delivery|order|paiement|supply)",
    r"(?:order|delivery|ship(?:ping)?|print|service)\s*date",
    r"data\s*(?:di\s*|dell['’]\s*)?(?:consegna|ordine)",
    r"(?:leistungs|abrechnungs)zeitraum",
    r"p[ée]riode",
    r"billing\s*period",
)

#: Labels of sums, the surest first.
GROSS: Final = tuple(
    _words(*group)
    for group in (
        (
            r"(?:gesamt|rechnungs|end|brutto)[\s-]*betrag(?!\s*(?:netto|exkl|ohne|der))",
            r"gesamt(?:summe)?\s*(?:brutto|inkl)",
            r"brutto(?:summe|betrag)",
            r"total\s*(?:ttc|inkl|incl|t\.t\.c)",
            r"montant\s*(?:total\s*)?ttc",
            r"net\s*[àa]\s*payer",
            r"somme\s*[àa]\s*payer",
            r"total\s*[àa]\s*payer",
            r"totale\s*(?:fattura|documento|da\s*pagare|iva\s*(?:inclusa|incl|compresa))",
            r"netto\s*inkl",
            r"grand\s*total",
            r"(?:total\s*)?amount\s*(?:due|payable)",
            r"balance\s*due",
            r"total\s*due",
            r"invoice\s*total",
            r"zahl(?:ungs)?betrag",
            r"zu\s*(?:be)?zahlen(?:der\s*betrag)?(?!\s*bis)",
            r"totaal\s*(?:incl|te\s*betalen)",
            r"te\s*betalen",
        ),
        (
            r"gesamt(?:summe|total)?(?![a-z])",
            r"total(?!\s*(?:ht|h\.t|hors|netto|net\b|exkl|excl|ohne|without|before|imponibile))"
            r"(?!\s*(?:vat|tax|mwst|tva|iva|btw))",
            r"totale(?!\s*(?:imponibile|iva|netto))",
            r"totaal(?!\s*(?:excl|btw))",
            r"summe(?!\s*(?:netto|exkl|mwst))",
        ),
    )
)
NET: Final = _words(
    r"(?:rechnungs)?(?:summe|betrag|total)\s*\(?(?:ohne|vor)\s*(?:ust|mwst|steuer)",
    r"(?:netto|gesamt\s*netto|waren)[\s-]*(?:betrag|summe|wert|total)",
    r"(?:summe|total|gesamt(?:betrag)?|betrag|zwischensumme)\s*\(?(?:netto|exkl|ohne\s*(?:mwst|ust))",
    r"zwischen(?:summe|total)",
    r"netto(?!\s*inkl)(?![a-z])",
    r"total\s*(?:\(?ht\b|h\.t|hors|excl|net\b|before\s*tax|without)",
    r"(?:montant|prix)\s*(?:total\s*)?(?:ht\b|hors\s*taxes?)",
    r"sous[\s-]total",
    r"(?:totale\s*)?imponibile",
    r"totale\s*netto",
    r"sub\s?-?\s?total",
    r"net\s*(?:amount|total|value)",
    r"amount\s*excl",
    r"subtotaal",
    r"(?:totaal\s*)?excl(?:usief|\.)?\s*btw",
    r"exclusief\s*btw",
)
VAT: Final = _words(
    r"(?:mehrwert|umsatz)[\s-]*steuer",
    r"\d*\s*%?\s*(?:mwst|ust|must)\b\.?",
    r"steuer(?:betrag)?(?![a-z])",
    r"t\.?v\.?a\.?(?![a-z])",
    r"i\.?v\.?a\.?(?![a-z])",
    r"(?:sales\s*)?tax(?![a-z])",
    r"vat\b",
    r"gst\b",
    r"btw\b",
)
#: On a line with one of these, `VAT` names a registration or an included share and no sum of its own.
NO_VAT_SUM: Final = _words(
    r"(?:mwst|ust|vat|tva|iva|btw|tax)[\s.-]*(?:id|nr|no|number|num|reg|intracom|intra|payée)",
    r"n\s?[°º]\s*(?:de\s*)?tva",
    r"ust-?id",
    r"partita\s*iva",
    r"p\.?\s?iva",
    r"inkl(?:usive|\.)?",
    r"incl(?:usive|uding|\.)?",
    r"zzgl",
    r"invoice",
)

#: The recipient stands behind or below these.
RECIPIENT: Final = _words(
    r"(?:k[äa]ufer|buyer|acheteur|acquirente|customer|cliente?|kunde)\s*:",
    r"bill(?:ed)?\s*to(?:\s*address)?",
    r"invoice\s*to",
    r"sold\s*to",
    r"rechnungs(?:adresse|empf[äa]nger|anschrift)",
    r"rechnung\s*an",
    r"factur[ée]\s*[àa]",
    r"adresse\s*de\s*facturation",
    r"fatturare\s*a",
    r"destinatario",
    r"spett(?:\.le|abile)?",
    r"zahlbar\s*durch",
    r"payable\s*par",
    r"pagabile\s*da",
)

#: What makes a text an invoice, and what makes it something else.
INVOICE: Final = re.compile(
    r"\b(?:rechnung\w*|faktura|"
    r"facture|fattura|invoice|factuur\w*|gutschrift|note\s+d['’]honoraires|quittung)(?![a-zäöü])",
    _FLAGS,
)
CREDIT_NOTE: Final = re.compile(
    r"^\W*(?:gutschrift|stornorechnung|rechnungskorrektur|"
    r"credit\s*note|avoir|nota\s*di\s*credito)\b",
    _FLAGS,
)
OTHER_KINDS: Final = re.compile(
    r"^\W*(?:offerte?|angebot|kostenvoranschlag|devis|preventivo|"
    r"quotation|quote|lieferschein|bon\s+de\s+livraison|delivery\s+note|"
    r"auftragsbest[äa]tigung|order\s+confirmation|mietvertrag|"
    r"vertrag|contract|contrat|mahnung|zahlungserinnerung|kontoauszug|account\s+statement)\b",
    _FLAGS,
)

COMPANY: Final = re.compile(
    r"\b(?:GmbH|AG|KG|OHG|e\.\s?K\.|UG|SE|SA|S\.A\.|S[àa]rl|SARL|S[ÀA]RL|SAS|S\.?r\.?l\.?|S\.?p\.?A\.?|"
    r"Ltd\.?|Limited|LLC|Inc\.?|Corp\.?|B\.\s?V\.?|BV|"
    r"N\.\s?V\.|GbR|Sagl|PLC|plc|& Co\.?|e\.V\.|Genossenschaft|Verein|Stiftung)(?![\wäöü])"
)
