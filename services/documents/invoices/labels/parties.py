"""What stands before the recipient of an invoice or of its goods, and what ends the name of a company."""

import re
from typing import Final

from services.documents.invoices.labels.patterns import words

#: The recipient stands behind or below these.
RECIPIENT: Final = words(
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
SHIP_TO: Final = words(
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
