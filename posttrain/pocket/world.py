"""The pocket world in the form that the loop expects: snippets, the held-out suite, and the audit."""

from posttrain.pocket.audit import audit_run
from posttrain.pocket.heldout import POCKET_SUITE, held_out_tasks
from posttrain.pocket.seeds import pocket_seeds
from posttrain.world import World

POCKET_WORLD = World(seeds=pocket_seeds, suites={POCKET_SUITE: held_out_tasks}, audit=audit_run)
