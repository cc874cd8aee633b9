"""The model card: what a trained policy is, how it came about, and how good it was found to be. Generated
from the checkpoint and its run, never written by hand.

Place in the flow: checkpoint, run folder -> here -> README.md beside the weights, and on the hub. The one
rule: as in the data card, every sentence follows from a file of the run, and what was not measured is said to
be not measured. No path of this machine is named.
"""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

from synth.errors import StoreError
from synth.store.atomic import write_bytes
from synth.store.card import HUB_LICENCES
from synth.store.card_making import seed_sources, sources_table
from synth.store.checkpoints import MANIFEST, Checkpoint, PolicyManifest, read_checkpoint
from synth.store.markdown import markdown_table
from synth.store.run_folder import RunInfo, read_info
from synth.store.seals import RUN_FILE, read_json

CARD = "README.md"
_KINDS = {
    "sft": "supervised fine-tuning",
    "dpo": "preference optimization (DPO)",
    "kto": "optimization by labelled answers (KTO)",
}


def write_model_cards(run: Path) -> None:
    """A card beside each finished policy of a run, or of a folder of trainings without a run."""
    for checkpoint in _checkpoints(run):
        write_bytes(checkpoint.folder / CARD, model_card(checkpoint).encode())


def model_card(checkpoint: Checkpoint) -> str:
    """README.md of one policy. Raises RunFolderError or StoreError for damaged files."""
    run = checkpoint.folder.parent.parent
    info = read_info(run) if (run / RUN_FILE).is_file() else None
    manifest = checkpoint.manifest
    chain = list(_chain(run, manifest))
    sources = seed_sources(run) if info is not None else None
    sections = [
        _header(manifest, chain, info, {licence for _, licence in sources} if sources else set()),
        f"# {info.name if info else run.name} {manifest.name}",
        _summary(manifest, info),
        _lineage(chain),
        _evaluation(run, manifest, chain),
        sources_table(sources) if sources is not None else "",
        _settings(manifest),
    ]
    return "\n\n".join(section for section in sections if section) + "\n"


def _checkpoints(run: Path) -> Iterator[Checkpoint]:
    for file in sorted(run.glob(f"checkpoints/*/{MANIFEST}")):
        if (found := read_checkpoint(file.parent)) is not None:
            yield found


def _chain(run: Path, last: PolicyManifest) -> Iterator[PolicyManifest]:
    """The trainings that made the policy, the last first."""
    known = {one.manifest.fingerprint: one.manifest for one in _checkpoints(run)}
    by_adapter = {str(one.adapter): one.manifest for one in _checkpoints(run) if one.adapter}
    seen: set[str] = set()
    found: PolicyManifest | None = last
    while found is not None and found.name not in seen:
        seen.add(found.name)
        yield found
        found = known.get(found.parent_fingerprint) or by_adapter.get(found.parent)


def _base(chain: list[PolicyManifest], info: RunInfo | None) -> str:
    """The model that the first training started from: its hub id, or the last part of its folder."""
    policy = info.recipe.get("policy") if info is not None else None
    given = policy.get("model") if isinstance(policy, dict) else None
    name = str(given or chain[-1].parent)
    return name if _is_hub_id(name) else Path(name).name


def _is_hub_id(name: str) -> bool:
    return name.count("/") == 1 and not name.startswith((".", "/", "~"))


def _header(
    manifest: PolicyManifest, chain: list[PolicyManifest], info: RunInfo | None, licences: set[str]
) -> str:
    base, lower = _base(chain, info), {one.lower() for one in licences}
    only = lower.pop() if len(lower) == 1 else ""
    header: dict[str, Any] = {
        "license": only if only in HUB_LICENCES else "other",
        "library_name": "transformers",
        "pipeline_tag": "text-generation",
        "tags": ["code", "codemill", manifest.kind],
    }
    if _is_hub_id(base):
        header["base_model"] = base
    return f"---\n{yaml.safe_dump(header, sort_keys=False, allow_unicode=True)}---"


def _summary(manifest: PolicyManifest, info: RunInfo | None) -> str:
    description = str(info.recipe.get("description") or "").strip() if info else ""
    what = _KINDS[manifest.kind]
    made = f"The result of {what} with codemill, on {manifest.rows:,} rows in {manifest.steps:,} steps."
    prints = f"Fingerprint of the weights: `{manifest.fingerprint}`, of the data: `{manifest.data_hash}`."
    return f"{description}\n\n{made} {prints}".strip()


def _lineage(chain: list[PolicyManifest]) -> str:
    rows = [
        [
            one.name,
            one.kind.upper(),
            ", ".join("/".join(Path(name).parts[-2:]) for name in one.data),
            f"{one.rows:,}",
            one.steps,
            f"`{one.data_hash}`",
            f"`{one.parent_fingerprint}`",
            f"`{one.fingerprint}`",
        ]
        for one in reversed(chain)
    ]
    heads = ["training", "kind", "data", "rows", "steps", "hash of the data", "from", "to"]
    words = "The trainings that made it, the first one first; `from` and `to` are fingerprints of weights."
    return f"## Lineage\n\n{words}\n\n{markdown_table(heads, rows)}"


def _evaluation(run: Path, manifest: PolicyManifest, chain: list[PolicyManifest]) -> str:
    """What was measured of this policy and of those before it, with 95% intervals."""
    of_chain = {chain[-1].parent_fingerprint: "base"} | {one.fingerprint: one.name for one in chain}
    rows = [
        [of_chain[found["fingerprint"]], *row]
        for found in _evaluations(run)
        if found.get("fingerprint") in of_chain
        for row in _measures(found)
    ]
    lines = ["## Evaluation"]
    if rows:
        heads = ["policy", "suite", "measure", "questions", "percent", "95% interval"]
        lines.append(markdown_table(heads, rows))
    if manifest.best is not None:
        lines.append(
            f"Loss on {manifest.held_out_rows:,} held-out rows: {manifest.best['eval_loss']:.4f}, after step "
            f"{manifest.best.get('step', manifest.steps):.0f}, the best of the training."
        )
    return "\n\n".join(lines if len(lines) > 1 else [*lines, "Not measured."])


def _evaluations(run: Path) -> Iterator[Mapping[str, Any]]:
    for path in sorted((run / "eval").rglob("*.json")):
        try:
            found = json.loads(read_json(path))
        except (StoreError, OSError, ValueError):
            continue
        if isinstance(found, dict) and "fingerprint" in found:
            yield found


def _measures(found: Mapping[str, Any]) -> Iterator[list[object]]:
    scores = found.get("total")
    if not isinstance(scores, dict):
        return
    measures = {f"pass@{k}": one for k, one in dict(scores.get("pass_at") or {}).items()}
    if scores.get("greedy"):
        measures = {"greedy": scores["greedy"], **measures}
    for name, one in measures.items():
        interval = f"{100 * one['low']:.1f} to {100 * one['high']:.1f}"
        questions = scores.get("questions", "")
        yield [found.get("suite", ""), name, questions, f"{100 * one['value']:.1f}", interval]


def _settings(manifest: PolicyManifest) -> str:
    given = manifest.config.model_dump(mode="json", exclude={"data", "eval_data"}, exclude_defaults=True)
    always = {"learning_rate": manifest.config.learning_rate, "seed": manifest.seed}
    rows = [[f"`{key}`", json.dumps(value)] for key, value in {**given, **always}.items()]
    packages = ", ".join(f"{name} {version}" for name, version in sorted(manifest.versions.items()))
    table = markdown_table(["key", "value"], rows)
    words = "Keys of the recipe that are not at their default:"
    return f"## Settings\n\n{words}\n\n{table}\n\nMade with {packages}."
