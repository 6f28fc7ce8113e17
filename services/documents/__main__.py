"""`python -m services.documents`: run the service until it is asked to stop."""

from services.documents.app import build
from shared.settings import Settings

if __name__ == "__main__":
    build(Settings()).run()
