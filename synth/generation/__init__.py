"""Engines: whatever turns a prompt into text, behind one small protocol (`protocol.py`)."""
