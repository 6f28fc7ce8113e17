"""What the codes of problems are called in a heading. The cause itself stays as the service wrote it."""

from collections.abc import Mapping

from services.gateway.pages.languages import N_

CODES: Mapping[str, str] = {
    "access_refused": N_("You may not do this"),
    "approval_ended": N_("This approval has ended"),
    "approval_not_found": N_("There is no such approval"),
    "archive_unsupported": N_("Archives are not accepted"),
    "bus_unavailable": N_("The message bus does not answer"),
    "choices_unknown": N_("There is nothing to choose from"),
    "client_ambiguous": N_("The client is not clear"),
    "client_missing": N_("There is no client that you act for"),
    "client_not_found": N_("There is no such client"),
    "confirmation_required": N_("This has to be confirmed"),
    "connection_failed": N_("A connection failed"),
    "database_unavailable": N_("The database does not answer"),
    "dead_letter_not_found": N_("There is no such dead letter"),
    "dead_letter_payload_gone": N_("The content of this dead letter is gone"),
    "document_not_found": N_("There is no such document"),
    "effect_in_doubt": N_("An effect is in doubt"),
    "effect_in_progress": N_("The effect is being worked on"),
    "effect_not_in_doubt": N_("This effect is not in doubt"),
    "file_missing": N_("The file is missing"),
    "file_not_ready": N_("The file is not ready yet"),
    "file_too_large": N_("The file is too large"),
    "file_type_unsupported": N_("This type of file is not accepted"),
    "invoice_approved": N_("The invoice is approved already"),
    "invoice_not_found": N_("There is no such invoice"),
    "job_not_found": N_("There is no such job"),
    "job_retired": N_("This job is not offered any more"),
    "media_type_unsupported": N_("This type of content is not accepted"),
    "method_not_allowed": N_("This cannot be done here"),
    "no_question_open": N_("No question is open"),
    "not_approved_by_you": N_("This is no approval of yours"),
    "not_found": N_("There is no such page"),
    "not_signed_in": N_("You are not signed in"),
    "nothing_failed": N_("Nothing failed"),
    "parameters_invalid": N_("Something in the form is not right"),
    "payment_file_not_found": N_("There is no such payment file"),
    "payment_ordered": N_("The payment is ordered already"),
    "principal_managed": N_("This account is managed elsewhere"),
    "principal_not_found": N_("There is no such account"),
    "projection_behind": N_("The status is still being brought up to date"),
    "projection_stopped": N_("The status is not brought up to date"),
    "question_open": N_("A question is open"),
    "request_invalid": N_("Something in the request is not right"),
    "request_too_large": N_("The request is too large"),
    "run_ended": N_("This run has ended already"),
    "run_not_ended": N_("This run has not ended yet"),
    "run_not_found": N_("There is no such run"),
    "service_unavailable": N_("A service does not answer"),
    "token_not_found": N_("There is no such token"),
    "token_rejected": N_("Your sign-in is not valid any more"),
    "too_many_streams": N_("Too many open pages"),
    "unexpected_error": N_("Something went wrong here"),
    "values_changed": N_("The values have changed meanwhile"),
    "winmail_unsupported": N_("winmail.dat is not accepted"),
}


def title_of(code: str) -> str | None:
    """A message, or None for a code that no page knows by name."""
    return CODES.get(code)
