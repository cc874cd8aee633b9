"""Policies: a program's permissions, as lists of operations for a launcher. The one rule: policies are data;
nothing here starts a process."""
