"""One module a language. `registry.py` finds them by listing this folder: adding a language touches nothing
else."""
