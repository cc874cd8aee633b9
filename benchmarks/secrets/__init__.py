"""Benchmark of the filter for secrets: planted secrets, false alarms, speed."""
