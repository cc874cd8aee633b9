"""The fine set of a round, where the recipe balances its difficulty or bounds its clusters.

Place in the flow: after all stages, over the samples that survived. It looks at the whole round at once, so
it is no stage of the scheduler; its decisions are committed like those of one, named `fine`. The one rule:
it is a function of the committed samples in their order, so a resumed round has the same fine set.
"""

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import NamedTuple

from synth.products import FINE_STAGE, Sample
from synth.records import Decision, IndexRow
from synth.rules.clusters import find_clusters, weigh_terms
from synth.rules.fine_choice import FineCandidate, choose_fine
from synth.rules.model_vectors import model_vectors
from synth.select_config import ClustersConfig, SelectConfig
from synth.stages.shard_state import ShardState
from synth.stages.unit_stage import index_row
from synth.store.shards import StageCommit


class ShardSamples(NamedTuple):
    """The surviving samples of one shard."""

    shard: str
    samples: list[Sample]


def commit_fine(
    commits: StageCommit,
    config: SelectConfig,
    round_: int,
    read: Callable[[], Iterable[ShardSamples]],
) -> None:
    """Decide about every surviving sample and commit the rows. `read` gives the shards in their order; it is
    called twice, so that one shard is in memory at a time."""
    candidates: list[FineCandidate] = []
    texts: dict[str, str] = {}
    for _, samples in read():
        candidates += map(FineCandidate.of, samples)
        if config.clusters is not None:
            texts |= {one.task_id: one.prompt_text for one in samples if one.task_id not in texts}
    clusters = _clusters(texts, config.clusters) if config.clusters is not None else {}
    answers = choose_fine(candidates, config, clusters)
    for shard, samples in read():
        if commits.is_committed(FINE_STAGE, round_, shard):
            continue
        state = ShardState(round_, shard)
        commits.record_entered(FINE_STAGE, round_, shard, [one.id for one in samples])
        rows = tuple(index_row(FINE_STAGE, state, one, answers[one.id]) for one in samples)
        commits.commit(FINE_STAGE, round_, shard, rows, ())


def _clusters(texts: dict[str, str], config: ClustersConfig) -> dict[str, str]:
    """The first task of each task's cluster."""
    tasks, words = list(texts), list(texts.values())
    vectors = model_vectors(words, config.model) if config.vectors == "model" else weigh_terms(words)
    return {
        task: tasks[first]
        for task, first in zip(tasks, find_clusters(vectors, config.similarity), strict=True)
    }


def marked(samples: Sequence[Sample], rows: Iterable[IndexRow]) -> Iterator[Sample]:
    """The samples with the bin and the cluster that were found for them."""
    found = {row.unit_id: json.loads(row.evidence) for row in rows}
    for sample in samples:
        evidence = found.get(sample.id, {})
        yield sample.model_copy(update={name: evidence.get(name, "") for name in ("bin", "cluster")})


def in_fine(rows: Iterable[IndexRow]) -> set[str]:
    """Ids of the samples that the fine set has."""
    return {row.unit_id for row in rows if row.decision is Decision.KEPT}
