"""`python -m services.mqtt_bridge`: run the service until it is asked to stop."""

import sys

from services.mqtt_bridge.app import build
from shared.errors import TagwerkError
from shared.settings import Settings

if __name__ == "__main__":
    try:
        service = build(Settings())
    except TagwerkError as error:
        # The rules or the address are wrong: whoever starts it can mend it, and needs no traceback.
        sys.exit(f"{error.failure.cause}\n{error.failure.next_step}")
    service.run()
