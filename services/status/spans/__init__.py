"""Spans of the last days: taken in over OTLP/HTTP, kept, and found again."""
