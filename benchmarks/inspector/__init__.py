"""Benchmark of the inspector: how long its pages take over a million and five million index rows."""
