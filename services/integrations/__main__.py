"""`python -m services.integrations`: run the service until it is asked to stop."""

from services.integrations.app import build
from shared.settings import Settings

if __name__ == "__main__":
    build(Settings()).run()
