"""Child processes that never outlive their parent, however the parent dies.

Linux sends a process a signal of its choice when its parent is gone (`PR_SET_PDEATHSIG`, prctl(2)). The
signal comes when the *thread* that started the child ends, so start children from a thread that lives as
long as they shall.
"""

import ctypes
import os
import pwd
import signal
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

#: <linux/prctl.h>
_PR_SET_PDEATHSIG: Final = 1
_libc = ctypes.CDLL(None, use_errno=True)


@dataclass(frozen=True, slots=True)
class Account:
    """A Unix account that a child runs under."""

    name: str
    uid: int
    gid: int


def unprivileged_account() -> Account | None:
    """The account for servers that refuse to run as root; None when we are not root ourselves.

    It needs an entry in the password database, since `initdb` looks its name up.
    """
    if os.geteuid() != 0:
        return None
    entry = pwd.getpwnam("nobody")
    return Account(entry.pw_name, entry.pw_uid, entry.pw_gid)


def die_with_parent(death_signal: signal.Signals) -> bool:
    """Have this process sent `death_signal` when its parent dies; False if it died in this moment."""
    parent = os.getppid()
    _request_death_signal(death_signal)
    return os.getppid() == parent


def child_options(death_signal: signal.Signals, account: Account | None = None) -> dict[str, Any]:
    """What `subprocess.Popen` and `asyncio.create_subprocess_exec` need to start such a child.

    It gets a session of its own, so that Ctrl-C at the terminal reaches the supervisor alone, which then
    stops its children in order.
    """
    options: dict[str, Any] = {
        "preexec_fn": _tie_to(os.getpid(), death_signal),
        "start_new_session": True,
        "close_fds": True,
    }
    if account is not None:
        options |= {"user": account.uid, "group": account.gid, "extra_groups": []}
    return options


def _tie_to(parent: int, death_signal: signal.Signals) -> Callable[[], None]:
    def tie() -> None:
        # Runs after the change of user, which would clear the request (prctl(2)).
        _request_death_signal(death_signal)
        if os.getppid() != parent:
            os._exit(1)

    return tie


def _request_death_signal(death_signal: signal.Signals) -> None:
    if _libc.prctl(_PR_SET_PDEATHSIG, int(death_signal), 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "prctl(PR_SET_PDEATHSIG) failed")
