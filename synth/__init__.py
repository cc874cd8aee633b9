"""codemill's data factory: seeds become tasks, tasks become programs, programs are run, and what survives
becomes data."""
