"""Measurements; run with `python -m tests.benchmarks`."""
