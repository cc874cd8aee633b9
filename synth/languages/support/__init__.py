"""Helpers that several language modules share. The one rule: no helper knows a single language."""
