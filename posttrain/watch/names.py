"""Names that a training adds to TRL's metrics in `metrics.jsonl`.

The one rule: light, for pages and plans read the log where torch may be missing.
"""

TOKENS_PER_SECOND, UTILISATION, MEMORY = "tokens_per_second", "mfu", "peak_memory_mb"
"""Tokens are those that the model reads, prompts included, padding excluded, of all devices together; `mfu`
is a share from 0 to 1; memory is the most so far of the first process: on a GPU what torch has allocated
there, else the resident set."""
