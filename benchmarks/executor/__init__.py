"""Benchmark of the executor: ratios against bare toolchains in one run, and endurance."""
