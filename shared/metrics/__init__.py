"""Metrics for Prometheus: what services count and measure, defined in one place, told on the health port.

Labels are bounded: job, lane, outcome, system and the like; never a run, a client, a person or a subject.
"""
