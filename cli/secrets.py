"""Secrets that a person gives: typed without an echo, or read from stdin; never an argument, which everybody
on the machine can read."""

import getpass
import sys

from cli.exits import Exit
from cli.problems import Problem
from shared.errors import Failure


def read_password(prompt: str) -> str:
    """Typed twice on a terminal, else the first line of stdin. Raises `Problem`."""
    if not sys.stdin.isatty():
        password = sys.stdin.readline().rstrip("\r\n")
        if not password:
            raise _problem("nothing came in on stdin", "Write the password to stdin, in one line.")
        return password
    password = getpass.getpass(f"{prompt}: ")
    if getpass.getpass("Once more: ") != password:
        raise _problem("the two are not the same", "Type the same password twice.")
    return password


def _problem(cause: str, next_step: str) -> Problem:
    failure = Failure(code="password_unreadable", cause=cause, concern="password", next_step=next_step)
    return Problem("The password cannot be taken", failure, Exit.USAGE)
