"""The command `tagwerk`: every command by name. What one does stands in `cli/commands/`."""

import sys

import typer

from cli.command import ApiFunction, api_command
from cli.commands import (
    accounts,
    agents,
    alerts,
    approvals,
    audit,
    bank,
    contacts,
    documents,
    erp,
    finding,
    jobs,
    lists,
    payments,
    platform,
    preflight,
    rates,
    reports,
    runs,
    schedules,
    stack,
)

app = typer.Typer(
    name="tagwerk",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    help="Start and watch the background work of a document and invoice installation.",
    epilog="Exit codes: 0 succeeded, 1 failed, 2 usage, 3 refused or not found, 4 unreachable, "
    "5 problem answered by the service, 6 still running.",
)

_API_COMMANDS: dict[str, ApiFunction] = {
    "jobs": jobs.jobs,
    "job": jobs.job,
    "overview": finding.overview,
    "search": finding.search,
    "preflight": preflight.preflight,
    "choices": preflight.choices,
    "start": jobs.start,
    "upload": documents.upload,
    "documents": documents.documents,
    "document": documents.document,
    "approvals": approvals.approvals,
    "approve": approvals.approve,
    "reject": approvals.reject,
    "withdraw": approvals.withdraw,
    "ask": approvals.ask,
    "answer": approvals.answer,
    "correct": approvals.correct,
    "runs": runs.runs,
    "run": runs.run,
    "cancel": runs.cancel,
    "rerun": runs.rerun,
    "decide": runs.decide,
    "records": lists.records,
    "calls": lists.calls,
    "changes": lists.changes,
    "logs": lists.logs,
    "trace": lists.trace,
    "rates": rates.rates,
    "erp": erp.erp,
    "bank-transactions": bank.bank_transactions,
    "bank-statements": bank.bank_statements,
    "payables": payments.payables,
    "payment-files": payments.payment_files,
    "payment-file": payments.payment_file,
    "alerts": alerts.alerts,
    "schedules": schedules.schedules,
    "systems": preflight.systems,
    "agents": agents.agents,
    "dead-letters": platform.dead_letters,
    "rebuild": platform.rebuild,
    "me": accounts.me,
    "close-alert": alerts.close_alert,
}

_SCHEDULE: dict[str, ApiFunction] = {
    "show": schedules.show,
    "preview": schedules.preview,
    "set": schedules.set_schedule,
    "reset": schedules.reset,
    "pause": schedules.pause,
    "resume": schedules.resume,
    "seen": schedules.seen,
    "backfill": schedules.backfill,
}
_SILENCES: dict[str, ApiFunction] = {
    "list": alerts.silences,
    "add": alerts.add_silence,
    "end": alerts.end_silence,
}
_PRINCIPALS: dict[str, ApiFunction] = {
    "list": accounts.principals,
    "set": accounts.set_principal,
    "contact": contacts.contact,
    "set-contact": contacts.set_contact,
    "set-password": accounts.set_password,
}
_TOKENS: dict[str, ApiFunction] = {
    "list": accounts.tokens,
    "issue": accounts.issue_token,
    "revoke": accounts.revoke_token,
}
_AUDIT: dict[str, ApiFunction] = {
    "list": audit.entries,
    "state": audit.state,
    "verify": audit.verify,
    "export": audit.export,
}
_REPORTS: dict[str, ApiFunction] = {
    "list": reports.reports,
    "show": reports.report,
    "download": reports.download,
}


def _add(to: typer.Typer, commands: dict[str, ApiFunction]) -> None:
    for name, function in commands.items():
        to.command(name)(api_command(function))


def _group(name: str, help: str, commands: dict[str, ApiFunction]) -> None:
    group = typer.Typer(no_args_is_help=True, rich_markup_mode=None)
    _add(group, commands)
    app.add_typer(group, name=name, help=help)


_add(app, _API_COMMANDS)
_group("schedule", "One schedule: look ahead, change it, pause it, run what was missed.", _SCHEDULE)
_group("silences", "Silences: what nobody is told for a while.", _SILENCES)
_group("principals", "Users and service users: list them, make or change one.", _PRINCIPALS)
_group("tokens", "Tokens: list them, issue one, revoke one.", _TOKENS)
_group("audit", "The audit log: list who did what, verify it, export it.", _AUDIT)
_group("reports", "Reports that were made: list them, show one, save its files.", _REPORTS)

app.command("up", context_settings=stack.HANDED_ON)(stack.up)
app.command("demo")(stack.demo)
app.command("sign-in", context_settings=stack.HANDED_ON)(stack.sign_in)
app.command("open", context_settings=stack.HANDED_ON)(stack.open_browser)
app.command("clean-state", context_settings=stack.HANDED_ON)(stack.clean_state)
app.command("backup", context_settings=stack.HANDED_ON)(stack.backup)
app.command("restore", context_settings=stack.HANDED_ON)(stack.restore)


def main() -> None:
    """Entry point of the console script."""
    for stream in (sys.stdout, sys.stderr):
        # A terminal that cannot write a sign gets another one instead of a traceback.
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")
    app()
