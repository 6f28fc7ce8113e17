"""Traces: which request or message led to what, as spans of OpenTelemetry (docs/adr/0028).

`context` is what travels along, whether anything is recorded or not; `spans` are what our code opens around
its work; `provider` sends them to where `TAGWERK_OTLP_ENDPOINT` points.
"""
