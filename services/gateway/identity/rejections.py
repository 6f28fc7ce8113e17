"""The audit of what was rejected before anybody knew who asked, but no flood of it."""

import time
from dataclasses import dataclass

from shared.audit import AuditEntry, audit
from shared.bus import Bus

#: Rejections that are audited in a minute; of those beyond, the next entry tells the number.
AUDITED_PER_MINUTE = 30


@dataclass(slots=True)
class Rejections:
    bus: Bus
    minute: int = 0
    audited: int = 0
    left_out: int = 0

    async def record(
        self, concern: str, reason: str, *, principal: str = "unknown", action: str = "sign_in_rejected"
    ) -> None:
        minute = int(time.monotonic() // 60)
        if minute != self.minute:
            self.minute, self.audited = minute, 0
        if self.audited >= AUDITED_PER_MINUTE:
            self.left_out += 1
            return
        self.audited += 1
        left_out, self.left_out = self.left_out, 0
        if left_out:
            reason = f"{reason}; {left_out} more were rejected since the entry before"
        await audit(self.bus, AuditEntry(action=action, principal=principal, concern=concern, reason=reason))
