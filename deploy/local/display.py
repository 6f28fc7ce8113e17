"""What a person sees of a running stack: readiness first, then the logs, one colored name a line."""

import re
from typing import Final

from rich.console import Console
from rich.text import Text

from deploy.local.config import NATS, POSTGRES
from deploy.local.sign_in import issue_link
from deploy.local.stack import LocalStack
from deploy.local.targets import TARGETS

_COLORS: Final = ("cyan", "green", "magenta", "blue", "yellow", "bright_cyan", "bright_magenta")
_WIDTH: Final = 11

#: Of the servers only what asks for attention is shown; the rest stands in their log files.
_ATTENTION: Final = {
    NATS: re.compile(r"^\[\d+\] \S+ \S+ (?P<said>\[(?:WRN|ERR|FTL)\] .*)$"),
    POSTGRES: re.compile(r"^(?P<said>(?:WARNING|FATAL|PANIC): .*)$"),
}
#: The passwords lie in a file that only its owner can read; hashed they would cost 0.1 s a connection.
_EXPECTED: Final = "Plaintext passwords detected"


class Display:
    """A watcher that prints. `quiet` leaves the logs out."""

    def __init__(self, console: Console, *, quiet: bool = False) -> None:
        self._console = console
        self._quiet = quiet
        self._colors: dict[str, str] = {}
        self._gone = False

    def said(self, process: str, line: str) -> None:
        if self._quiet or process == "provision":
            return
        if process in _ATTENTION:
            found = _ATTENTION[process].match(line)
            if found is None or _EXPECTED in line:
                return
            line = found["said"]
        self._print(self._name(process).append(line))

    def became_ready(self, process: str, seconds: float) -> None:
        self._print(self._name(process).append(f"ready after {seconds:.1f} s", "green"))

    def died(self, process: str, how: str, delay: float) -> None:
        self._print(self._name(process).append(f"{how}; it is started again in {delay:g} s", "bold red"))

    def starts(self, stack: LocalStack) -> None:
        self.say(f"Starting Tagwerk; its state lies in {stack.state}")

    def is_ready(self, stack: LocalStack, seconds: float) -> None:
        """Address and sign-in, when everything serves."""
        expires = stack.sign_in.expires_at.strftime("%Y-%m-%d")
        self.say(f"Tagwerk is ready after {seconds:.1f} s.", "bold green")
        self.say(f"  Address        {stack.url}")
        self.say(f"  Open           {issue_link(stack.state)}")
        self.say("                 once, within 15 minutes; `tagwerk open` makes a new link", "dim")
        self.say(f"  Sign-in        {stack.sign_in.principal}, token {stack.token} (until {expires})")
        self.say(f"  NATS           127.0.0.1:{stack.nats_port}, MQTT 127.0.0.1:{stack.mqtt_port}")
        self.say(f"  Metrics        {stack.state / TARGETS} lists the ports for Prometheus")
        self.say("  Stop           Ctrl-C; the state stays", None)

    def stops(self) -> None:
        self.say("Stopping: services hand over what they work on (Ctrl-C again: at once)")

    def say(self, words: str, style: str | None = None) -> None:
        self._print(Text(words, style or ""))

    def _name(self, process: str) -> Text:
        color = self._colors.setdefault(process, _COLORS[len(self._colors) % len(_COLORS)])
        return Text.assemble((f"{process:<{_WIDTH}}", color), ("│ ", "dim"))

    def _print(self, text: Text) -> None:
        if self._gone:
            return
        try:
            self._console.print(text, soft_wrap=True, highlight=False)
        except OSError:
            # The terminal is gone; the stack must still be stopped in order.
            self._gone = True
