"""Papers that are no invoices and look like some: offers, reminders, statements, letters about an invoice."""

import random
from collections.abc import Iterator
from typing import Final

from tests.corpus.documents.made.content import Content, made_content
from tests.corpus.documents.made.layouts import write_items, write_totals
from tests.corpus.documents.made.locales import LOCALES
from tests.corpus.documents.made.paper import A4, STYLES, Paper

#: Kind -> language -> (title, sentences); `{n}` is a number, `{d}` a date, `{m}` money.
_PRICED: Final[dict[str, dict[str, tuple[str, list[str]]]]] = {
    "offer": {
        "de": (
            "Offerte Nr. {n}",
            ["Gerne bieten wir Ihnen an:", "Gültig bis {d}. Die Rechnung folgt nach Lieferung."],
        ),
        "fr": (
            "Devis n° {n}",
            ["Nous avons le plaisir de vous proposer :", "Valable jusqu'au {d}. La facture suivra."],
        ),
        "it": ("Offerta n. {n}", ["Vi offriamo quanto segue:", "Valida fino al {d}. La fattura seguirà."]),
        "en": (
            "Quotation {n}",
            ["We are pleased to offer:", "Valid until {d}. An invoice follows on delivery."],
        ),
    },
    "order confirmation": {
        "de": (
            "Auftragsbestätigung {n}",
            ["Vielen Dank für Ihre Bestellung.", "Rechnungsadresse wie oben. Rechnung folgt."],
        ),
        "fr": (
            "Confirmation de commande {n}",
            ["Merci de votre commande.", "Adresse de facturation : ci-dessus."],
        ),
        "it": ("Conferma d'ordine {n}", ["Grazie per il vostro ordine.", "Fattura a parte."]),
        "en": ("Order Confirmation {n}", ["Thank you for your order.", "Invoice address as above."]),
    },
    "order": {
        "de": (
            "Bestellung {n}",
            ["Wir bestellen bei Ihnen:", "Bitte senden Sie die Rechnung an die Buchhaltung."],
        ),
        "fr": ("Bon de commande {n}", ["Nous vous commandons :", "Facture à envoyer à la comptabilité."]),
        "it": ("Ordine {n}", ["Vi ordiniamo:", "Inviare la fattura alla contabilità."]),
        "en": ("Purchase Order {n}", ["Please supply:", "Send the invoice to accounts payable."]),
    },
    "delivery note": {
        "de": ("Lieferschein {n}", ["Wir liefern Ihnen:", "Rechnung wird separat versandt."]),
        "fr": ("Bon de livraison {n}", ["Nous vous livrons :", "Facture envoyée séparément."]),
        "it": ("Documento di trasporto {n}", ["Consegniamo:", "Segue fattura."]),
        "en": ("Delivery Note {n}", ["We deliver:", "The invoice is sent separately."]),
    },
    "pro forma": {
        "de": ("Proforma-Rechnung {n}", ["Nur für den Zoll:", "Keine Zahlung."]),
        "fr": ("Facture pro forma {n}", ["Pour la douane :", "Sans valeur commerciale."]),
        "it": ("Fattura proforma {n}", ["Per la dogana:", "Senza valore commerciale."]),
        "en": ("Pro forma invoice {n}", ["For customs only:", "No payment is due."]),
    },
}
_WRITTEN: Final[dict[str, dict[str, tuple[str, list[str]]]]] = {
    "reminder": {
        "de": (
            "Zahlungserinnerung",
            [
                "Folgende Rechnung ist noch offen:",
                "Rechnung Nr. {n} vom {d}   Betrag {m}",
                "Total offen   {m}",
                "Bitte überweisen Sie den Betrag bis {d} auf IBAN CH93 0076 2011 6238 5295 7.",
            ],
        ),
        "fr": (
            "Rappel",
            [
                "La facture suivante est impayée :",
                "Facture n° {n} du {d}   Montant {m}",
                "Total dû   {m}",
                "Merci de payer avant le {d}, IBAN CH93 0076 2011 6238 5295 7.",
            ],
        ),
        "it": (
            "Sollecito di pagamento",
            [
                "La seguente fattura risulta scoperta:",
                "Fattura n. {n} del {d}   Importo {m}",
                "Totale da pagare   {m}",
                "Vogliate pagare entro il {d}.",
            ],
        ),
        "en": (
            "Payment reminder",
            [
                "The following invoice is overdue:",
                "Invoice No. {n} of {d}   Amount {m}",
                "Total due   {m}",
                "Please pay by {d}.",
            ],
        ),
    },
    "second reminder": {
        "de": (
            "2. Mahnung",
            [
                "Rechnungsnummer: {n}   Rechnungsdatum: {d}",
                "Rechnungsbetrag   {m}",
                "Mahngebühr   20.00",
                "Gesamtbetrag   {m}",
            ],
        ),
        "fr": (
            "Deuxième rappel",
            ["Numéro de facture : {n}   Date de facture : {d}", "Montant TTC   {m}", "Total à payer   {m}"],
        ),
        "it": ("Secondo sollecito", ["Numero fattura: {n}   Data fattura: {d}", "Totale fattura   {m}"]),
        "en": ("Second Reminder", ["Invoice Number: {n}   Invoice Date: {d}", "Amount due   {m}"]),
    },
    "statement": {
        "de": (
            "Kontoauszug",
            [
                "IBAN CH93 0076 2011 6238 5295 7   Währung CHF",
                "{d}   Zahlung Rechnung {n}   {m}",
                "{d}   Gutschrift   {m}",
                "Saldo per {d}   {m}",
                "Total   {m}",
            ],
        ),
        "fr": (
            "Relevé de compte",
            [
                "IBAN CH93 0076 2011 6238 5295 7",
                "{d}   Paiement facture {n}   {m}",
                "Solde au {d}   {m}",
                "Total   {m}",
            ],
        ),
        "it": (
            "Estratto conto",
            [
                "IBAN CH93 0076 2011 6238 5295 7",
                "{d}   Pagamento fattura {n}   {m}",
                "Saldo al {d}   {m}",
                "Totale   {m}",
            ],
        ),
        "en": (
            "Statement of account",
            ["Account Number: {n}", "{d}   Invoice {n}   {m}", "{d}   Payment   {m}", "Balance due   {m}"],
        ),
    },
    "payslip": {
        "de": (
            "Lohnabrechnung März 2026",
            [
                "Personalnummer: {n}",
                "Bruttolohn   {m}",
                "AHV 5.3 %   120.00",
                "Nettobetrag   {m}",
                "Auszahlung auf IBAN CH93 0076 2011 6238 5295 7 am {d}",
            ],
        ),
        "fr": (
            "Bulletin de salaire mars 2026",
            ["Matricule : {n}", "Salaire brut   {m}", "Net à payer   {m}", "Versé le {d}"],
        ),
        "it": ("Busta paga marzo 2026", ["Matricola: {n}", "Stipendio lordo   {m}", "Totale netto   {m}"]),
        "en": (
            "Payslip March 2026",
            ["Employee number: {n}", "Gross pay   {m}", "Tax   120.00", "Net total   {m}", "Paid on {d}"],
        ),
    },
    "contract": {
        "de": (
            "Mietvertrag",
            [
                "zwischen Vermieter und Mieter, Nr. {n}.",
                "Der Mietzins beträgt {m} im Monat, zahlbar bis {d}.",
                "Die Nebenkosten werden in Rechnung gestellt.",
                "Rechnungsdatum ist der Monatserste.",
            ],
        ),
        "fr": (
            "Contrat de bail",
            [
                "Contrat n° {n} entre les parties.",
                "Le loyer est de {m} par mois, payable avant le {d}.",
                "Les frais font l'objet d'une facture.",
            ],
        ),
        "it": (
            "Contratto di locazione",
            [
                "Contratto n. {n} tra le parti.",
                "Il canone è di {m} al mese, pagabile entro il {d}.",
                "Segue fattura.",
            ],
        ),
        "en": (
            "Service Agreement",
            [
                "Agreement no. {n} between the parties.",
                "The fee is {m} a month, due on {d}.",
                "The supplier sends an invoice each month.",
            ],
        ),
    },
    "letter": {
        "de": (
            "Ihre Rechnung vom {d}",
            [
                "Sehr geehrte Damen und Herren",
                "Wir haben Ihre Rechnung Nr. {n} über {m} erhalten.",
                "Leider stimmt der Betrag nicht mit unserer Bestellung überein.",
                "Bitte senden Sie uns eine neue.",
            ],
        ),
        "fr": (
            "Votre facture du {d}",
            [
                "Madame, Monsieur,",
                "Nous avons bien reçu votre facture n° {n} de {m}.",
                "Le montant ne correspond pas à notre commande.",
            ],
        ),
        "it": (
            "Vostra fattura del {d}",
            [
                "Gentili signore e signori,",
                "abbiamo ricevuto la vostra fattura n. {n} di {m}.",
                "L'importo non corrisponde al nostro ordine.",
            ],
        ),
        "en": (
            "Your invoice of {d}",
            [
                "Dear Sir or Madam,",
                "We have received your invoice no. {n} for {m}.",
                "The amount does not agree with our order.",
            ],
        ),
    },
    "forward": {
        "de": (
            "WG: Rechnung {n}",
            [
                "Von: buchhaltung@example.com   Gesendet: {d}",
                "Hallo Petra,",
                "anbei die Rechnung {n} zur Freigabe, es sind {m}.",
                "Gruss, Hans",
            ],
        ),
        "fr": (
            "TR: facture {n}",
            [
                "De : compta@example.com   Envoyé : {d}",
                "Bonjour,",
                "ci-joint la facture {n} de {m} pour validation.",
                "Salutations",
            ],
        ),
        "it": (
            "I: fattura {n}",
            ["Da: conti@example.com   Inviato: {d}", "Ciao,", "in allegato la fattura {n} di {m}.", "Saluti"],
        ),
        "en": (
            "FW: invoice {n}",
            [
                "From: accounts@example.com   Sent: {d}",
                "Hi,",
                "attached is invoice {n} over {m} for approval.",
                "Regards",
            ],
        ),
    },
    "remittance": {
        "de": (
            "Zahlungsavis",
            ["Wir haben heute überwiesen:", "Rechnung Nr. {n} vom {d}   {m}", "Total   {m}"],
        ),
        "fr": (
            "Avis de paiement",
            ["Nous avons payé ce jour :", "Facture n° {n} du {d}   {m}", "Total   {m}"],
        ),
        "it": (
            "Avviso di pagamento",
            ["Abbiamo pagato oggi:", "Fattura n. {n} del {d}   {m}", "Totale   {m}"],
        ),
        "en": ("Remittance advice", ["We have paid today:", "Invoice No. {n} of {d}   {m}", "Total   {m}"]),
    },
}


def made_others() -> Iterator[tuple[str, bytes]]:
    """Every kind in every language, once: name and PDF."""
    for kinds, priced in ((_PRICED, True), (_WRITTEN, False)):
        for at, (kind, languages) in enumerate(kinds.items()):
            for language, (title, sentences) in languages.items():
                locale = next(one for one in LOCALES if one.language == language)
                content = made_content(7000 + at * 17 + len(language + kind), held_out=False, locale=locale)
                yield f"{kind}-{language}", _written(content, title, sentences, priced)


def _written(c: Content, title: str, sentences: list[str], priced: bool) -> bytes:
    chance = random.Random(c.seed)
    p = Paper(A4, chance.choice(STYLES))
    values = {"n": c.number, "d": c.date(c.issued), "m": c.money(c.gross)}
    p.lines(60, 40, [c.issuer, *c.issuer_lines])
    p.lines(60, 130, [c.recipient, *c.recipient_lines])
    p.write(540, 210, c.date(c.issued), right=True)
    p.write(60, 235, title.format(**values), size=chance.choice([10, 12, 15]), bold=True)
    first, *rest = [sentence.format(**values) for sentence in sentences]
    y = _columns(p, 270, first)
    if priced:
        y = write_items(p, c, y + 15, 60, 540)
        y = write_totals(p, c, y, 340, 540)
    for sentence in rest:
        y = _columns(p, y + 8, sentence)
    return p.pdf()


def _columns(p: Paper, y: float, sentence: str) -> float:
    """Parts of a sentence between wide gaps, the last one to the right."""
    *parts, last = sentence.split("   ")
    for at, part in enumerate(parts):
        p.write(60 + at * 150, y, part)
    return p.write(540, y, last, right=True) if parts else p.write(60, y, last)
