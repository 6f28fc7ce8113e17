"""The admin pages: server-rendered HTML over the same gate and the same queries as the HTTP API."""
