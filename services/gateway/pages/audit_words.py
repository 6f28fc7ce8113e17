"""What entries of the audit log are called on a page: messages, which templates translate."""

from collections.abc import Mapping

from services.gateway.pages.languages import N_

KINDS: Mapping[str, str] = {
    "access_refused": N_("Refused"),
    "account_locked": N_("Account locked"),
    "alert_closed": N_("Alert closed"),
    "alerts_silenced": N_("Alerts silenced"),
    "approval_withdrawn": N_("Approval withdrawn"),
    "contact_changed": N_("Mail and absence changed"),
    "contents_removed": N_("Contents of the log removed"),
    "dead_letter_replayed": N_("Dead letter published again"),
    "delivered": N_("Delivered"),
    "effect_decided": N_("Effect decided"),
    "history_missing": N_("A part of the history is missing"),
    "invoice_answered": N_("Question answered"),
    "invoice_approved": N_("Invoice approved"),
    "invoice_corrected": N_("Invoice corrected"),
    "invoice_questioned": N_("Asked back"),
    "invoice_rejected": N_("Invoice rejected"),
    "password_changed": N_("Password changed"),
    "password_set": N_("Password set"),
    "principal_changed": N_("Account changed"),
    "rebuild_requested": N_("Projection rebuilt"),
    "rules_changed": N_("Rules changed"),
    "run_cancel_requested": N_("Cancel requested"),
    "run_requested": N_("Run requested"),
    "session_ended": N_("Session ended"),
    "sign_in_rejected": N_("Sign-in rejected"),
    "silence_ended": N_("Silence ended"),
    "signed_in": N_("Signed in"),
    "signed_out": N_("Signed out"),
    "start_refused": N_("Start refused"),
    "token_issued": N_("Token issued"),
    "token_revoked": N_("Token revoked"),
    "unreadable": N_("Message that cannot be read"),
}

#: Kinds whose reason no person wrote: it can be said in another language.
TOLD_BY_SERVICES = frozenset(
    {
        "access_refused", "account_locked", "history_missing", "rules_changed", "session_ended",
        "sign_in_rejected", "start_refused",
    }
)  # fmt: skip
