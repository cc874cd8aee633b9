"""Engines turn a prompt into text, behind one small protocol (`protocol.py`)."""
