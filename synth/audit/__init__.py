"""The audit of a data set: whether its references, tests and rows are fit to train or to measure with.

A file of rows goes in; findings with counts, intervals and the rows come out. The one rule: a finding counts
the rows that could be tried, and says of the others why they could not.
"""
