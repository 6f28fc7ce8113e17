"""What is said about a backup and a restore."""

from deploy.backup.doubts import Doubts
from deploy.backup.take import Taken

#: More are counted only.
_LISTED = 20


def told_of_taken(taken: Taken) -> str:
    manifest = taken.manifest
    messages = sum(stream.messages for stream in manifest.streams)
    size = sum(part.size for part in manifest.parts)
    return (
        f"Backup    {taken.folder}\n"
        f"Moment    {manifest.moment:%Y-%m-%d %H:%M:%S} UTC; writers waited {taken.locked * 1000:.0f} ms\n"
        f"Holds     {sum(manifest.rows.values()):,} rows, {messages:,} messages, {size:,} bytes\n"
        f"Files     {manifest.files:,} with {manifest.files_size:,} bytes; {taken.new_contents:,} new"
    )


def told_of_restore(doubts: Doubts) -> str:
    lines = [
        f"Restored as of {doubts.moment:%Y-%m-%d %H:%M:%S} UTC.",
        "What was sent outside since then is not known here: e-mails, payment files, bookings. Compare with",
        "the bank, the ERP and the outgoing mail before anything is paid, booked or sent again.",
    ]
    lines += _listed(
        "These runs had not ended; they go on when the stack starts:",
        [f"{run.run_id}  {run.job}  {run.client or '-'}  {run.state}" for run in doubts.runs],
    )
    lines += _listed(
        "These effects had begun; whether they happened is asked outside, or has to be decided:",
        [f"{effect.run_id}  {effect.service}  {effect.client}  {effect.effect}" for effect in doubts.effects],
    )
    return "\n".join(lines)


def _listed(head: str, entries: list[str]) -> list[str]:
    if not entries:
        return []
    more = [f"  and {len(entries) - _LISTED} more"] if len(entries) > _LISTED else []
    return [head, *(f"  {entry}" for entry in entries[:_LISTED]), *more]
