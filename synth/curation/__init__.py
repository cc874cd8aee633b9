"""Data sets of other people, or finished ones: what overlaps with a benchmark or repeats itself leaves.

The one rule: a data set is read and never changed. What is kept and what is removed, with its reason and
evidence, are new files, and together they hold every row once.
"""
