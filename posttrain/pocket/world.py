"""The pocket world in the form that the loop expects: snippets, the held-out suite, and the audit."""

from posttrain.pocket.audit import audit_run
from posttrain.pocket.heldout import (
    DEEP_SUITE,
    DEVELOPMENT_SUITE,
    POCKET_SUITE,
    deep_tasks,
    development_tasks,
    held_out_tasks,
)
from posttrain.pocket.seeds import pocket_seeds
from posttrain.world import World

POCKET_WORLD = World(
    seeds=pocket_seeds,
    suites={POCKET_SUITE: held_out_tasks, DEEP_SUITE: deep_tasks, DEVELOPMENT_SUITE: development_tasks},
    audit=audit_run,
)
