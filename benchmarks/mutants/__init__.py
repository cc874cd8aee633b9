"""Benchmark of the tests that references get: how many first-order mutants pass them, and what they cost."""
