"""The exit codes of every command; `docs/cli.md` documents them for scripts."""

from enum import IntEnum


class Exit(IntEnum):
    #: Done; with `--wait`: the run succeeded.
    SUCCEEDED = 0
    #: With `--wait`: a run ended in another final state than `succeeded`.
    FAILED = 1
    #: The command line itself is wrong.
    USAGE = 2
    #: Not signed in, not allowed, not found, or a confirmation is missing.
    REFUSED = 3
    #: Nobody answers at the address.
    UNREACHABLE = 4
    #: The service answered that it cannot do this: invalid, conflict, too large, out of order. Or a file
    #: of this machine cannot be read or written.
    PROBLEM = 5
    #: `--timeout` ended before the run did; the run goes on.
    STILL_RUNNING = 6
    #: Stopped by Ctrl-C, as shells expect it.
    INTERRUPTED = 130
