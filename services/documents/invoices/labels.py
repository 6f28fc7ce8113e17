"""What invoices call their fields, in German, French, Italian, English and Dutch.

`strong` labels name a field and nothing else; `weak` ones may stand for something else too. Most are made of
two words, in the order of their language: the thing (`Rechnung`, `facture`) and what is told of it (`Nr.`,
`date`), so that wordings are found which nobody has listed.
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


#: `Nr.`, `n°`, `number`, ... behind the thing that it numbers, and before it.
_NO: Final = (
    r"(?:nummer|number|num[ée]ro|numero|num|nr|no|nbr|n(?=\s?[°º.]|\s\d)|#|id|kennung|code|"
    r"r[ée]f(?:erenz|erence|[ée]rence)?)"
    r"(?![a-zäöü])\.?\s?[°ºo]?(?![a-z])"
)
_N_BEFORE: Final = (
    r"(?:n\s?[°º]|n[or]\.?|num[ée]ro|numero|n\.|codice|cod\.|code|r[ée]f(?:[ée]rence|"
    r"erenza)?\.?)\s*(?:de\s+la\s+|della\s+|de\s+|di\s+|du\s+|d['’]\s*|del\s+)?"
)
#: The paper itself.
_PAPER_DE: Final = (
    r"(?:[a-zäöü]*rechnungs?(?:korrektur)?|faktur(?:a|en)|beleg|gutschrifts?|storno|dokument(?:en)?|"
    r"rechn\.?|re\.?|rg\.?)"
)
_PAPER_FR: Final = r"(?:facture|avoir|note\s+de\s+cr[ée]dit|note\s+d['’]honoraires|document)"
_PAPER_IT: Final = r"(?:fattura|nota\s+di\s+credito|parcella|documento|doc\.)"
_PAPER_EN: Final = (
    r"(?:(?:tax|sales|vat|commercial)?\s*invoice|inv\.?|bill|credit\s*(?:note|memo)|document|doc\.?|receipt)"
)
_PAPER_NL: Final = r"(?:factuur|creditnota)"
PAPER: Final = rf"(?:{_PAPER_DE}|{_PAPER_FR}|{_PAPER_IT}|{_PAPER_EN}|{_PAPER_NL})"
_CUSTOMER: Final = (
    r"(?:kunden?|kd\.?|client|cliente|customer|cust\.?|account|acct\.?|klant(?:en)?|debitoren?|mandanten?)"
)
_ORDER: Final = (
    r"(?:(?:bestell|auftrags?|order)(?:ung)?|commande|bon\s+de\s+commande|ordine|(?:purchase|"
    r"sales)?\s*order|p\.?\s?o\.?)"
)

NUMBERS: Final = (
    Label(
        "invoice_number",
        _words(
            # The code of the kind of paper may stand between: `Handelsrechnung (380) Nr. 4711`.
            rf"{PAPER}(?:\s*\(\d{{2,3}}\))?\s*[-/]?\s*{_NO}",
            rf"{_N_BEFORE}(?:{_PAPER_FR}|{_PAPER_IT})",
            r"(?:re|rg|rech|rechn)\.?\s?-?\s?nr\.?(?![a-z])",
        ),
        _words(
            r"(?:[a-zäöü]*rechnung|faktura|gutschrift|rechnungskorrektur|facture|fattura|"
            r"parcella|(?:tax\s|sales\s)?invoice|avoir|"
            r"note\s+de\s+cr[ée]dit|note\s+d['’]honoraires|nota\s+di\s+credito|credit\s+(?:note|memo))"
            r"(?:\s+(?:de\s+vente|di\s+vendita))?(?![a-z])",
            r"#\s*(?=[\w-]*\d)",
        ),
    ),
    Label(
        "customer_number",
        _words(rf"{_CUSTOMER}[\s-]*{_NO}", rf"{_N_BEFORE}(?:client[e]?)(?![a-z])", r"id\.?\s?client"),
    ),
    Label(
        "order_number",
        _words(
            r"(?:bestellung|auftrag|commande|ordine|purchase\s+order|(?:your|our)\s+order)\s*(?::|$)",
            rf"{_ORDER}[\s-]*{_NO}",
            rf"{_N_BEFORE}(?:commande|ordine)",
            r"(?:ihre?|your|votre|vs\.|vostro)\s+(?:bestellung|auftrag|order|commande|"
            r"ordine)(?=\s*:?\s*[\w-]*\d)",
            r"bon\s+de\s+commande(?=\s*:?\s*[\w-]*\d|\s*$)",
            r"purchase\s+order(?=\s*:?\s*[\w-]*\d)",
        ),
    ),
    Label(
        "issuer_tax_number", _words(r"steuer[\s-]*(?:nummer|nr)\.?(?![a-z])", r"st\.?[\s-]?nr\.?(?![a-z])")
    ),
)

_DUE_TAIL: Final = r"(?:\s*(?:le|au|am|per|zum|bis|il|al|on|by|before|the|sp[äa]testens))*"
DATES: Final = (
    Label(
        "due_date",
        _words(
            rf"f[äa]llig(?:keit(?:s?(?:datum|tag|termin))?)?{_DUE_TAIL}",
            r"(?:be)?zahlbar\s*(?:sp[äa]testens\s*)?(?:bis|am|per)(?:\s*(?:zum|sp[äa]testens))?",
            r"zu\s*(?:be)?zahlen\s*bis",
            r"zahlungs(?:ziel|termin|frist|datum|eingang)(?:\s*(?:bis|am))?",
            r"zahlbar\s[^.:]{0,40}?\bbis",
            r"zahlung\s*(?:bis|sp[äa]testens)(?:\s*(?:bis|zum|sp[äa]testens|am))*",
            r"bitte\s*(?:be)?zahlen\s*sie\s*bis",
            r"(?:[üu]berweisen|begleichen|bezahlen|einzahlen|[üu]berweisung|"
            r"begleichung)\s[^.:]{0,60}?\bbis(?:\s*(?:zum|sp[äa]testens|am))*",
            r"date\s*d['’\s]\s*[ée]ch[ée]ance",
            rf"[ée]ch[ée]ance{_DUE_TAIL}",
            r"date\s*limite(?:\s*de\s*(?:paiement|r[èe]glement))?(?:\s*le)?",
            r"(?:payable|(?:[àa]\s*)?(?:payer|r[ée]gler|verser)|r[èe]glement|paiement|"
            r"versement)(?:\s[^.:]{0,40}?)?\s(?:avant|au\s*plus\s*tard|au|jusqu['’]au|"
            r"pour)\s*(?:le)?",
            r"(?:data\s*(?:di\s*)?)?scadenza(?:\s*(?:il|al|pagamento))*",
            r"(?:pagabile|pagare|versare|pagamento|saldare|"
            r"saldo)(?:\s[^.:]{0,40}?)?\s(?:entro|fino)(?:\s*(?:e\s+non\s+oltre\s*)?(?:il|"
            r"al))?",
            rf"(?:payment\s*|amount\s*)?(?:is\s*)?due(?:\s*date)?{_DUE_TAIL}(?![a-z])",
            r"date\s*due",
            r"(?:pay(?:able|ment)?|"
            r"remit(?:tance)?(?:\s*payment)?)\s*(?:is\s*)?(?:due\s*)?(?:by|until|before|"
            r"no\s*later\s*than|on\s*or\s*before)",
            r"verval(?:datum|t\s*op)",
            r"betalen\s*v[óo][óo]r",
        ),
    ),
    Label(
        "invoice_date",
        _words(
            r"(?:[a-zäöü]*rechnungs|beleg|ausstellungs|faktura|faktur|gutschrifts|"
            r"dokument(?:en)?)[\s-]*(?:datum|tag)",
            r"datum\s*der\s*(?:rechnung|ausstellung)",
            r"(?:ausgestellt|erstellt)\s*(?:am|per)",
            r"rechnung\s*vom",
            rf"date\s*(?:de\s*|d['’]\s*|du\s*)?(?:la\s*)?(?:{_PAPER_FR}|facturation|"
            rf"[ée]mission|[ée]tablissement)",
            r"(?:[ée]mise?|[ée]tablie?|fait)\s*(?:le|[àa]\s+\w+,?\s+le)",
            rf"data\s*(?:della\s*|di\s*|del\s*)?(?:{_PAPER_IT}|emissione)",
            r"emess[ao]\s*(?:il|in\s*data)",
            rf"{_PAPER_EN}\s*date",
            r"date\s*of\s*(?:issue|invoice)",
            r"(?:issue|billing|billed|statement)\s*(?:date|on)",
            r"(?:date\s*issued|issued(?:\s*on)?|invoiced\s*on)",
            r"factuur[\s-]*datum",
            # `Facture n° 562 du 2 juillet 2015`: the number stands between.
            rf"{PAPER}(?:\s*\(\d{{2,3}}\))?\s*(?:{_NO}|{_N_BEFORE})?\s*:?\s*"
            r"[\w/.-]*\d[\w/.-]*,?\s*(?:vom|du|del|dated|of|/|[-–])(?![a-z])",
        ),
        # `Datum: 12.3.2026`, and `Bern, den 12. März 2026` in a letter.
        re.compile(
            r"^[A-ZÄÖÜ][\w.-]+(?: [\w.-]+){0,2}, (?:den|le|li|il)(?=\s|$)|^(?:datum|date|"
            r"data)(?=\s*:|\s*$|\s+\d|\s+[a-zé]+\s+\d)",
            _FLAGS,
        ),
    ),
)

#: Another invoice, which this one corrects, follows or belongs to.
OTHER_INVOICES: Final = re.compile(
    r"associ[ée]|d['’]origine|originale?\b|initiale?\b|pr[ée]c[ée]dente?|rectifi|collegat|"
    r"di\s+riferimento|related|"
    r"corrected|previous|preceding|ursprung|urspr[üu]nglich|vorherig|bezug|korrigiert|"
    r"zu(?:r)?\s+(?:unserer\s+)?rechnung|"
    r"(?:relating|related|refers?)\s+to|concernant|betreff(?:end|s)",
    _FLAGS,
)
#: Dates of something else: what stands behind them is no date of the invoice.
OTHER_DATES: Final = _words(
    r"(?:liefer|leistungs|bestell|auftrags|order|druck|geburts|valuta|versand|lever|besteld?|"
    r"ausf[üu]hrungs|vertrags|buchungs)[\s-]*(?:datum|tag|termin)",
    r"date\s*(?:de\s*|of\s*)?(?:livraison|commande|delivery|order|paiement|supply|payment|"
    r"exp[ée]dition|shipment|prestation)",
    r"(?:order|delivery|ship(?:ping|ment)?|print|service|payment|start|end)\s*date",
    r"data\s*(?:di\s*|dell['’]\s*)?(?:consegna|ordine|pagamento|spedizione)",
    r"(?:leistungs|abrechnungs|liefer)zeitraum",
    r"p[ée]riode|periodo|(?:billing|service)\s*period",
    r"ordered(?:\s+on)?|shipped(?:\s+on)?|delivered(?:\s+on)?|bestellt\s+am|geliefert\s+am|"
    r"livr[ée]e?\s+le|command[ée]e?\s+le|commande\s+du|consegnato\s+il|ordine\s+del|"
    r"versandt\s+am",
)

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
NO_TOTAL: Final = _words(
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
PAID: Final = _words(
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
PAYABLE: Final = _words(*_PAYABLE)
#: Labels of sums, the surest first.
GROSS: Final = (
    _words(
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
    _words(
        rf"gesamt(?![a-z])(?!\s*{_EXCL})",
        rf"total(?![a-z])(?!\s*\(?{_EXCL})(?!\s*{_TAX})",
        rf"totale(?![a-z])(?!\s*\(?{_EXCL})(?!\s*{_TAX})",
        rf"totaal(?!\s*(?:{_EXCL}|btw))",
        rf"summe(?![a-z])(?!\s*\(?{_EXCL})(?!\s*{_TAX})",
    ),
)
NET: Final = _words(
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
VAT: Final = _words(
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
NO_VAT_SUM: Final = _words(
    r"(?:mwst|ust|vat|tva|iva|btw|tax)[\s.-]*(?:id|nr|no\b|n[.°º]|number|num|reg|intracom|intra|payée)",
    r"n\s?[°ºo.]*\s*(?:de\s*)?(?:tva|iva)",
    r"ust-?id",
    r"partita\s*iva",
    r"p\.?\s?iva",
    r"zzgl\.?\s*(?:ges|der)",
    r"(?:tax|vat)\s+invoice",
)
#: On a line with one of these, VAT is a share of the total, and not added to it.
INCLUDED: Final = _words(
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
ITEM_HEADS: Final = _words(
    r"menge|anzahl|stk|einzelpreis|bezeichnung|beschreibung|artikel|leistung(?!s)|pos\.?(?![a-z])|preis",
    r"qt[ée]|quantit[ée]|d[ée]signation|prix\s*unit|p\.?u\.?\b|r[ée]f[ée]rence\s*article|libell[ée]",
    r"quantit[àa]|q\.?t[àa]|descrizione|prezzo|prestazione",
    r"qty|quantity|description|unit\s*price|rate\b|hours|item\b|product",
    r"aantal|omschrijving|prijs",
)

#: The recipient stands behind or below these.
RECIPIENT: Final = _words(
    r"(?:k[äa]ufer|buyer|acheteur|acquirente|customer|cliente?|kunde|klant)(?:\s*/\s*[\w-]+)?\s*(?::|$)",
    r"adresse\s*(?:du\s*)?client|indirizzo\s*(?:del\s*)?cliente|kundenadresse|customer\s*address",
    r"bill(?:ed)?\s*to(?![a-z])(?:\s*address)?",
    r"invoiced?\s*to(?![a-z])",
    r"sold\s*to(?![a-z])",
    r"bill(?:ing)?\s*address",
    r"rechnungs(?:adresse|empf[äa]nger|anschrift)",
    r"rechnung\s*an(?![a-z])",
    r"factur[ée]e?\s*[àa](?![a-z])",
    r"adresse\s*de\s*facturation",
    r"destinataire",
    r"fatturare\s*a",
    r"intestat[ao]\s*a",
    r"destinatario",
    r"spett(?:\.le|abile)?",
    r"zahlbar\s*durch",
    r"payable\s*par",
    r"pagabile\s*da(?![a-z])",
    r"factuuradres",
)
#: And goods are sent to who stands below these.
SHIP_TO: Final = _words(
    r"liefer(?:adresse|anschrift)|livraison\s*(?::|$)|abweichender\s*warenempf[äa]nger|"
    r"warenempf[äa]nger|adresse\s*de\s*livraison|livr[ée]e?\s*[àa](?![a-z])|"
    r"luogo\s*di\s*consegna|destinazione|ship(?:ped)?\s*to(?![a-z])|"
    r"deliver(?:ed)?\s*to(?![a-z])|delivery\s*address|shipping\s*address|afleveradres"
)

COMPANY: Final = re.compile(
    r"\b(?:GmbH|AG|KG|OHG|e\.\s?K\.|e\.\s?U\.|UG|SE|SA|S\.A\.|S[àa]rl|SARL|S[ÀA]RL|SAS|Sas|"
    r"SNC|S\.?n\.?c\.|S\.?r\.?l\.?|S\.?p\.?A\.?|"
    r"Ltd\.?|Limited|LLC|LLP|Inc\.?|Corp\.?|B\.\s?V\.?|BV|Co\.|"
    r"N\.\s?V\.|GbR|Sagl|PLC|plc|& Co\.?|e\.V\.|Genossenschaft|Verein|Stiftung)(?![\wäöü])"
)
