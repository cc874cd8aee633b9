"""Calls that a person wrote: read from tests, documents and callers, and given to the seeds that they call."""
