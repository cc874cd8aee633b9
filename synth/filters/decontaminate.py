"""The decontamination filter: keeps everything that overlaps with a benchmark or with held-out tasks out of
the training data.

There are two modes. `report`: any run of 10 words shared with a benchmark (Qwen2.5-Coder report, 5), on
normalized text. `containment`, the default: a benchmark entry is contaminated if enough of *it* is in the
unit, of its prose (`prose_index.py`) or of its code (`code_index.py`). Prompt, answer and tests are searched,
each against each. The numbers stand in `synth/recipe/decontamination_rule.py`.

What many entries share ("write a function that returns the") identifies none of them and is left out. An
entry that is too short for n-grams is found if it makes up half of the unit. The one rule: evidence names the
entry, the measure, the share and a matching passage.
"""

from collections.abc import Iterable, Sequence
from functools import lru_cache
from math import inf
from pathlib import Path
from typing import Final

from synth.filters.benchmarks import HELD_OUT, BenchmarkEntry, read_benchmark
from synth.filters.code_index import CodeIndex
from synth.filters.hit import Hit
from synth.filters.hub_benchmarks import benchmark_path
from synth.filters.prose_index import ProseIndex
from synth.filters.protocol import Evidence, FilterInput, FilterSetting, Keep, Reject
from synth.filters.words import is_ideographic, ngrams, split_joined_words, split_words
from synth.languages.registry import normalize_language
from synth.recipe.decontamination_rule import Mode, Thresholds
from synth.thresholds import Threshold

COST = 20
FOR_SEEDS = True
THRESHOLDS: Final = (
    Threshold(
        stage="decontaminate",
        reasons=("contaminated",),
        measure="share",
        over="least",
        keeps="<",
        fixed=1.0,
        sentence="What it shares with any entry of a benchmark is less than {limit} times the least share "
        "that counts.",
        caveat="Kept units store no share. A unit that this measure would let go may be found by another "
        "measure, or overlap with another entry.",
        before_model=True,
    ),
)


class Decontaminate:
    """Rejects units that overlap with any of the entries."""

    stage = "decontaminate"
    remembers = False

    def __init__(
        self,
        entries: Iterable[BenchmarkEntry],
        mode: Mode = "containment",
        thresholds: Thresholds | None = None,
    ) -> None:
        limits = thresholds or Thresholds()
        self._mode, self._limits = mode, limits
        self._report_grams: dict[str, str] = {}
        common, least = limits.common_entries, limits.min_prose_grams
        words, ideographs = limits.confirm_share, limits.confirm_ideographs

        def prose(n: int, share: float, confirm: float, reach: float = inf) -> ProseIndex:
            return ProseIndex(n, share, least, common, reach, confirm)

        self._prose = prose(limits.prose_n, limits.prose_share, words)
        self._ideographs = prose(limits.ideograph_n, limits.prose_share, ideographs)
        self._short = prose(limits.short_n, limits.short_share, words, limits.short_reach)
        self._short_ideographs = prose(
            limits.short_ideograph_n, limits.short_share, ideographs, limits.short_reach
        )
        self._code = CodeIndex(limits)
        for entry in entries:
            self._add(entry)
        for index in self._prose_indexes():
            index.finish()
        self._code.finish()

    def _prose_indexes(self) -> tuple[ProseIndex, ...]:
        return self._prose, self._ideographs, self._short, self._short_ideographs

    def _add(self, entry: BenchmarkEntry) -> None:
        for text in (*entry.prompts, *entry.answers, *entry.tests):
            words = split_words(text)
            for gram in ngrams(words, self._limits.report_n) if self._mode == "report" else ():
                self._report_grams.setdefault(gram, entry.id)
        for prompt in entry.prompts:
            words, joined = split_words(prompt), split_joined_words(prompt)
            self._add_prompt(entry.id, words)
            if joined != words:
                self._add_prompt(entry.id, joined)
        language = normalize_language(entry.language)
        embedded = [code for prompt in entry.prompts for code in embedded_code(prompt)]
        for code in (*entry.answers, *entry.tests, *embedded):
            self._code.add(entry.id, code, language)

    def _add_prompt(self, entry: str, words: list[str]) -> None:
        ideographic = is_ideographic(words)
        long, short = (
            (self._ideographs, self._short_ideographs) if ideographic else (self._prose, self._short)
        )
        long.add(entry, words)
        if len(words) < self._limits.short_words * (2 if ideographic else 1):
            short.add(entry, words)

    def check(self, unit: FilterInput) -> Keep | Reject:
        hit = self._find_report(unit) if self._mode == "report" else self._find(unit)
        if hit is None:
            return Keep()
        evidence: Evidence = {
            "entry": hit.entry,
            "side": hit.side,
            "measure": hit.measure,
            "share": round(hit.share, 4),
            "least": hit.least,
            "matched": hit.matched[:300],
            "mode": self._mode,
        }
        return Reject("contaminated", evidence)

    def _find_report(self, unit: FilterInput) -> Hit | None:
        for text in (unit.prompt, unit.code, unit.tests):
            for gram in ngrams(split_words(text), self._limits.report_n):
                if gram in self._report_grams:
                    return Hit(self._report_grams[gram], "prose", 1.0, gram.replace("\x1f", " "))
        return None

    def _find(self, unit: FilterInput) -> Hit | None:
        language = normalize_language(unit.language)
        hits: list[Hit | None] = []
        for text in (unit.prompt, unit.code, unit.tests):
            words = split_words(text)
            hits += [index.search(words) for index in self._prose_indexes()]
        for code in (unit.code, unit.tests, *embedded_code(unit.prompt)):
            hits.append(self._code.search(code, language))
        return max((hit for hit in hits if hit), key=lambda hit: hit.share, default=None)


def embedded_code(prompt: str) -> list[str]:
    """Code inside a prompt: fenced blocks, or the whole prompt if it is itself code (HumanEval's prompts
    are function heads)."""
    if "```" in prompt:
        return [block.partition("\n")[2] for block in prompt.split("```")[1::2]]
    return [prompt] if "def " in prompt or "{" in prompt else []


def build(setting: FilterSetting) -> Decontaminate | None:
    """Raises DatasetError for a benchmark file that cannot be read."""
    config = setting.config
    if not config.decontaminate:
        return None
    held_out = setting.held_out if HELD_OUT in config.decontaminate else ()
    names = [name for name in config.decontaminate if name != HELD_OUT]
    return filter_against(names, setting.recipe_folder, config.decontamination, config.ngram, held_out)


def filter_against(
    names: Sequence[str],
    folder: Path,
    mode: Mode,
    report_n: int,
    held_out: tuple[BenchmarkEntry, ...] = (),
) -> Decontaminate:
    """The filter for the named benchmarks: files and folders, relative to `folder`, and names on the hub.
    Raises DatasetError for one that cannot be read."""
    return _made(tuple(benchmark_path(name, folder) for name in names), held_out, mode, report_n)


@lru_cache(maxsize=2)
def _made(
    files: tuple[Path, ...], held_out: tuple[BenchmarkEntry, ...], mode: Mode, report_n: int
) -> Decontaminate:
    """One filter serves seeds, samples and all rounds: it remembers nothing of them."""
    entries = [*held_out, *(entry for file in files for entry in read_benchmark(file))]
    return Decontaminate(entries, mode, Thresholds(report_n=report_n))
