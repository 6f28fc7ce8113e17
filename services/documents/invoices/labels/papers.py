"""What invoices call their numbers and dates.

`strong` labels name a field and nothing else; `weak` ones may stand for something else too. Most are made of
two words, in the order of their language: the thing (`Rechnung`, `facture`) and what is told of it (`Nr.`,
`date`), so that wordings are found which nobody has listed.
"""

import re
from dataclasses import dataclass
from typing import Final

from services.documents.invoices.labels.patterns import FLAGS, words


@dataclass(frozen=True, slots=True)
class Label:
    field: str
    strong: re.Pattern[str]
    weak: re.Pattern[str] | None = None


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
        words(
            # The code of the kind of paper may stand between: `Handelsrechnung (380) Nr. 4711`.
            rf"{PAPER}(?:\s*\(\d{{2,3}}\))?\s*[-/]?\s*{_NO}",
            rf"{_N_BEFORE}(?:{_PAPER_FR}|{_PAPER_IT})",
            r"(?:re|rg|rech|rechn)\.?\s?-?\s?nr\.?(?![a-z])",
        ),
        words(
            r"(?:[a-zäöü]*rechnung|faktura|gutschrift|rechnungskorrektur|facture|fattura|"
            r"parcella|(?:tax\s|sales\s)?invoice|avoir|"
            r"note\s+de\s+cr[ée]dit|note\s+d['’]honoraires|nota\s+di\s+credito|credit\s+(?:note|memo))"
            r"(?:\s+(?:de\s+vente|di\s+vendita))?(?![a-z])",
            r"#\s*(?=[\w-]*\d)",
        ),
    ),
    Label(
        "customer_number",
        words(rf"{_CUSTOMER}[\s-]*{_NO}", rf"{_N_BEFORE}(?:client[e]?)(?![a-z])", r"id\.?\s?client"),
    ),
    Label(
        "order_number",
        words(
            r"(?:bestellung|auftrag|commande|ordine|purchase\s+order|(?:your|our)\s+order)\s*(?::|$)",
            rf"{_ORDER}[\s-]*{_NO}",
            rf"{_N_BEFORE}(?:commande|ordine)",
            r"(?:ihre?|your|votre|vs\.|vostro)\s+(?:bestellung|auftrag|order|commande|"
            r"ordine)(?=\s*:?\s*[\w-]*\d)",
            r"bon\s+de\s+commande(?=\s*:?\s*[\w-]*\d|\s*$)",
            r"purchase\s+order(?=\s*:?\s*[\w-]*\d)",
        ),
    ),
    Label("issuer_tax_number", words(r"steuer[\s-]*(?:nummer|nr)\.?(?![a-z])", r"st\.?[\s-]?nr\.?(?![a-z])")),
)

_DUE_TAIL: Final = r"(?:\s*(?:le|au|am|per|zum|bis|il|al|on|by|before|the|sp[äa]testens))*"
DATES: Final = (
    Label(
        "due_date",
        words(
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
        words(
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
            FLAGS,
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
    FLAGS,
)
#: Dates of something else: what stands behind them is no date of the invoice.
OTHER_DATES: Final = words(
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
