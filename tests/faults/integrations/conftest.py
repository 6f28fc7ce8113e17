from tests.integration.integrations.conftest import feed_url

__all__ = ["feed_url"]
