"""Whether a step of the loop may go on with what failed in it.

Place in the flow: evaluations, benchmarks and the audit -> here -> `Unfinished`. The one rule: what failed
waits for another start, unless the user accepts it.
"""

from collections.abc import Sequence

from posttrain.loop.session import Session
from synth.pipeline.unfinished import Unfinished
from synth.store.open_shards import FailedUnit, OpenShards
from synth.store.shards import ShardKey


def settle(session: Session, key: ShardKey, failed: Sequence[FailedUnit], others: bool) -> None:
    """Go on only if nothing failed, or what failed is accepted; `others` did not fail. Raises OutageError."""
    unfinished = Unfinished(OpenShards(session.run), accept=session.plan.accept_failures)
    if others:
        unfinished.succeeded(key.stage)
    if unfinished.take(key, failed):
        unfinished.notes.close(key)
    unfinished.end(f"the {key.stage}" + (f" of {key.shard}" if key.shard != key.stage else ""))
