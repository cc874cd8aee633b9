"""Python seeds: reading and guessing types, binding names, purity, the contents of a module."""
