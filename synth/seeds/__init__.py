"""Where snippets come from. `reader.read_seeds` is the way in; a bad file or row is a rejection, never a
crash."""
