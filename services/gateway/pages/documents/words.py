"""What kinds, stages and payments of documents are called on a page: messages, which templates translate."""

from collections.abc import Mapping

from services.gateway.pages.languages import N_
from shared.words import DocumentKind, DocumentStage, PaymentState

KINDS: Mapping[DocumentKind, str] = {
    DocumentKind.PDF: N_("PDF"),
    DocumentKind.PICTURE: N_("Picture"),
    DocumentKind.MAIL: N_("E-mail"),
    DocumentKind.XML: N_("E-invoice (XML)"),
    DocumentKind.TEXT: N_("Plain text or HTML"),
    DocumentKind.OFFICE: N_("Office file"),
}

STAGES: Mapping[DocumentStage, str] = {
    DocumentStage.UPLOADED: N_("not read yet"),
    DocumentStage.CONVERTED: N_("text not read yet"),
    DocumentStage.READ: N_("read, no invoice in it"),
    DocumentStage.INVOICE: N_("invoice found"),
}

PAYMENTS: Mapping[PaymentState, str] = {
    PaymentState.OPEN: N_("to be paid"),
    PaymentState.ORDERED: N_("payment ordered"),
    PaymentState.ACCEPTED: N_("payment accepted by the bank"),
    PaymentState.REJECTED: N_("payment refused by the bank"),
    PaymentState.PAID: N_("paid"),
}

#: Of a document that is not read.
READING = N_("being read")
FAILED = N_("could not be read")
#: Of one that is read, while a later step failed.
STEP_FAILED = N_("a step failed")
