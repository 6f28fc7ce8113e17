"""The table of who may do what on the bus, from the services' declarations.

`python -m deploy.permissions name=module …` prints that of these services as JSON. That of Tagwerk's own lies
in `deploy/nats/permissions.json`, made by `python -m deploy.generated`.
"""

import json
import re
import sys
from collections.abc import Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import Final

from deploy.declarations import declaration_of
from shared.errors import TagwerkError
from shared.permissions import permissions_of

_MADE_BY: Final = "Made by `python -m deploy.generated` from the declarations of the services."

#: The same for people.
PAGE: Final = Path(__file__).parents[1] / "docs" / "permissions.md"
#: The number of a consumer that a reader makes for itself.
_FEED: Final = re.compile(r"-\d+$")

TABLE: Final = Path(__file__).parent / "nats" / "permissions.json"

#: Every service that has a user on the bus.
SERVICES: Final = (
    "gateway",
    "scheduler",
    "documents",
    "integrations",
    "reporting",
    "status",
    "audit",
    "mqtt_bridge",
)


def table(modules: Mapping[str, str]) -> str:
    """Name -> `publish` and `subscribe`, as JSON. Raises `TagwerkError` (`service_unknown`, …)."""
    made = {
        name: asdict(permissions_of(replace(declaration_of(module), name=name)))
        for name, module in modules.items()
    }
    return json.dumps(made, indent=1) + "\n"


def of_services() -> str:
    """The table of Tagwerk's own services."""
    return table({name: f"services.{name}" for name in SERVICES})


def page() -> str:
    """The table for people."""
    lines = [
        "# Who may do what on the bus",
        "",
        f"{_MADE_BY} Whatever is not listed is refused. Besides, each may answer whoever asks it.",
    ]
    for name in SERVICES:
        made = permissions_of(declaration_of(f"services.{name}"))
        lines += ["", f"## {name}", ""]
        for title, filters in (("publishes to", made.publish), ("hears", made.subscribe)):
            business = [one for one in filters if not one.startswith("$JS.")]
            lines.append(f"- {title} " + ", ".join(f"`{one}`" for one in business))
        interface = [one.removeprefix("$JS.") for one in made.publish if one.startswith("$JS.")]
        shown = dict.fromkeys(_FEED.sub("-*", one) for one in interface)
        lines.append("- of JetStream " + ", ".join(f"`{one}`" for one in shown))
    return "\n".join(lines) + "\n"


def main() -> None:
    try:
        sys.stdout.write(table(dict(entry.split("=", 1) for entry in sys.argv[1:])))
    except TagwerkError as error:
        sys.exit(f"{error.failure.code}: {error.failure.cause} {error.failure.next_step}")


if __name__ == "__main__":
    main()
