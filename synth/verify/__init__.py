"""Judging the programs of other people: rows and benchmark files in, answers out. The one rule: this package
alone reads such files."""
