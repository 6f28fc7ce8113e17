"""`python -m services.documents`: run the service until it is asked to stop."""

from services.documents.app import build
from shared.entry import serve

if __name__ == "__main__":
    serve(build)
