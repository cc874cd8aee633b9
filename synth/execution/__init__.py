"""Runs untrusted programs: sandboxes behind one small protocol, and the pure step from
observation to verdict."""
