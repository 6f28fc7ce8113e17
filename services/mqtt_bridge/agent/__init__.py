"""The reference agent: does in a customer's network what a file there allows, and nothing else.

`python -m services.mqtt_bridge.agent agent.toml`. It connects outwards to the MQTT broker, and listens on no
port. Of Tagwerk it needs `shared.agents`, `shared.errors`, and of the bridge `broker`, `messages` and this
package; of PyPI aiomqtt, pydantic, structlog, httpx for HTTP actions and asyncpg for PostgreSQL. No bus, no
database of Tagwerk.
"""
