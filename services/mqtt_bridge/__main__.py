"""`python -m services.mqtt_bridge`: run the service until it is asked to stop."""

from services.mqtt_bridge.app import build
from shared.entry import serve

if __name__ == "__main__":
    serve(build)
