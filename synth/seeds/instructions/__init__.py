"""Rows of instruction sets: a problem with what its set knows of the solution."""
