"""The metrics of a training step in `metrics.jsonl`: names that codemill adds to TRL's, and all charts.

Place in the flow: a training writes them; its plots and the inspector's page of trainings draw the same
charts. The one rule: light, for pages and plans read the log where torch may be missing.
"""

from collections.abc import Mapping
from typing import Final

TOKENS_PER_SECOND, UTILISATION, MEMORY = "tokens_per_second", "mfu", "peak_memory_mb"
"""Tokens are those that the model reads, prompts included, padding excluded, of all devices together; `mfu`
is a share from 0 to 1; memory is the most so far of the first process: on a GPU what torch has allocated
there, else the resident set."""
CHARTS: Final[Mapping[str, tuple[str, ...]]] = {
    "loss": ("loss",),
    "rewards": ("rewards/chosen", "rewards/rejected"),
    "margin": ("rewards/margins",),
    "reward accuracy": ("rewards/accuracies",),
    "learning rate": ("learning_rate",),
    "gradient norm": ("grad_norm",),
    "token accuracy": ("mean_token_accuracy",),
    "tokens a second": (TOKENS_PER_SECOND,),
    "utilisation": (UTILISATION,),
    "peak memory in MB": (MEMORY,),
}
"""Metrics by the title of their chart; a chart without any is left out."""
