"""What is known about the truth of an export's rows, for its card: evidence, the verifier's error rates,
flipped pairs, decontamination.

The one rule: what was not measured is said to be not measured.
"""

import json
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from synth.errors import StoreError
from synth.products import BY_NAME, Form
from synth.proportions import wilson_interval
from synth.recipe.decontamination_rule import rule_words
from synth.store.card_counts import count_rows_by
from synth.store.card_making import part_of
from synth.store.figures import read_figures
from synth.store.flips import flip_file
from synth.store.markdown import markdown_table
from synth.store.run_folder import RunInfo
from synth.store.seals import read_json
from synth.store.views import contaminated


def evidence_section(run: Path, counts: Mapping[str, int]) -> str:
    """How many rows stand on which evidence."""
    rows = [
        [name, rank, n]
        for name in counts
        if "rank" in BY_NAME[name].model.model_fields
        for rank, n in count_rows_by(run, name, "rank")
    ]
    words = (
        "`reference`: solutions reproduce the behaviour of a seed that no model wrote. `examples`: "
        "they satisfy stated examples. "
        "`agreement`: candidates agree, which measures confidence, not truth. `judgement`: a model said so."
    )
    return f"## Evidence\n\n{words}\n\n" + markdown_table(["data set", "rank", "rows"], rows) if rows else ""


def verifier_section(run: Path) -> str:
    """How often an accepted solution or an instruction is wrong, where the run could be audited."""
    head = "## Errors of the verifier\n\n"
    try:
        lines = read_figures(run)
    except StoreError:
        lines = []
    found = next((line for line in reversed(lines) if line.get("accepted")), None)
    if found is None:
        return (
            f"{head}Not measured in this run: a wrong program that passes shows only where the truth is "
            "known apart from the tests."
        )
    wrong, accepted = int(found["accepted_wrong"]), int(found["accepted"])
    low, high = wilson_interval(wrong / accepted, accepted)
    words = (
        f"Each accepted solution was run again on inputs that the run never had: {wrong} of {accepted} are "
        f"wrong, {wrong / accepted:.2%} [{low:.2%}, {high:.2%}]."
    )
    if read := int(found.get("instructions_read", 0)):
        words += (
            f" Of {read} instructions that can be read back, {int(found['instructions_wrong'])} do not say "
            "what their seed does."
        )
    return head + words


def flips_section(run: Path, counts: Mapping[str, int]) -> str:
    """The precision of the pairs by the half of each suite that was hidden."""
    path = flip_file(run)
    if not any(BY_NAME[name].form is Form.PREFERENCE for name in counts):
        return ""
    if not path.exists():
        return "## Flipped pairs\n\nNot measured."
    found = json.loads(read_json(path))
    rate = float(found["flip_rate"])
    words = (
        f"Half of each suite is hidden from selection. Of {found['accepted']} programs that pass the other "
        f"half, {rate:.2%} fail a hidden test and are left out; DPO's `label_smoothing` can take that "
        f"figure. Of {found['pairs']} pairs whose rejected program met hidden tests, {found['confirmed']} "
        f"are confirmed by them: it fails one."
    )
    return f"## Flipped pairs\n\n{words}"


_SHOWN_HITS: Final = 10


def decontamination_section(run: Path, info: RunInfo) -> str:
    """Against what, by which rule, and what was found."""
    filters = part_of(info, "data").get("filters") or {}
    against = filters.get("decontaminate") or []
    if not against:
        return "## Decontamination\n\nNone: the recipe names no benchmark."
    names = ", ".join(f"`{Path(str(name)).name}`" for name in against)
    rule = rule_words(str(filters.get("decontamination", "containment")), int(filters.get("ngram", 10)))
    head = f"## Decontamination\n\nAgainst {names}. {rule}"
    found = contaminated(run)
    if not found:
        return f"{head} 0 units were removed."
    counts = Counter((str(row["stage"]), str(hit.get("side", ""))) for row, hit in found)
    by_stage = markdown_table(
        ["stage", "found in", "units removed"],
        [[stage, side, count] for (stage, side), count in sorted(counts.items())],
    )
    hits = [
        [
            row["unit_id"],
            hit.get("entry", ""),
            hit.get("measure", ""),
            hit.get("share", ""),
            hit.get("matched", ""),
        ]
        for row, hit in found[:_SHOWN_HITS]
    ]
    shown = markdown_table(["unit", "entry", "measure", "share", "what both hold"], hits)
    return f"{head} {len(found)} units were removed.\n\n{by_stage}\n\nThe first of them:\n\n{shown}"
