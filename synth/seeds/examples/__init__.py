"""Calls that a person wrote: read from tests, documents and callers, given to the seeds that they call."""
