"""Readers of seeds: where real snippets come from."""
