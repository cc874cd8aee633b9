"""Benchmark of the audit of data sets: planted defects, false alarms, speed."""
