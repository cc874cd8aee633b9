"""The sources of snippets. `reader.read_seeds` is the entry point; a bad file or row is a rejection,
never a crash."""
