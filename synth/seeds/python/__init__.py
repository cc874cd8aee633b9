"""Python seeds: types guessed and read, names bound, purity, what a module holds."""
