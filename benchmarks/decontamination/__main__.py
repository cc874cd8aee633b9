"""`python -m benchmarks.decontamination FOLDER...`: how many copies of a benchmark's texts the filter finds,
how many clean texts it takes for copies, and how fast it is.

The functions of the folders, and the paragraphs of their documents, are the benchmark; changed copies of them
are planted as units. `--clean FOLDER...` holds texts that share no origin with them; without it, texts of the
folders that are not in the benchmark are the clean ones, some of which may really be copies. `--ports
FOLDER...` names trees that hold the same functions in several programming languages: a function is planted in
another language than the benchmark has it in. Which are the same, the names of file and function say.

The one rule: a false alarm is shown with its entry, so that who reads the table can judge it. A clean text
that holds nine tenths of an entry's runs is a copy (boilerplate, most of all) and is counted apart.
"""

import argparse
import resource
import sys
import time
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from random import Random
from typing import NamedTuple

from rich.console import Console
from rich.table import Table

from benchmarks.decontamination.corpus import Text, read_functions, read_paragraphs
from benchmarks.decontamination.plants import CODE, PROSE, Change
from synth.filters.benchmarks import BenchmarkEntry
from synth.filters.decontaminate import Decontaminate
from synth.filters.protocol import FilterInput, Reject

_SHOWN = 12
_COPY = 0.9
_AIMS = {"one word in eight": 0.98, "another language": 0.95}
_USUAL_AIM, _MOST_ALARMS = 0.99, 0.005


class Tally(NamedTuple):
    """How many of the units were hits."""

    hits: int
    units: int

    @property
    def share(self) -> float:
        return self.hits / self.units if self.units else 0.0


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print. Exit code 1 if a bar is missed."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.decontamination", description=(__doc__ or "").partition("\n\n")[0]
    )
    parser.add_argument("folders", nargs="+", type=Path, metavar="FOLDER")
    parser.add_argument("--clean", nargs="+", type=Path, default=[], metavar="FOLDER")
    parser.add_argument("--ports", nargs="+", type=Path, default=[], metavar="FOLDER")
    parser.add_argument("--sample", type=int, default=150, help="entries of each language; default 150")
    parser.add_argument("--units", type=int, default=600, help="clean texts of each language; default 600")
    given = parser.parse_args(arguments)
    functions, paragraphs = read_functions(given.folders), read_paragraphs(given.folders)
    if not functions and not paragraphs:
        parser.error("the folders hold neither functions nor paragraphs")
    entries = {label: texts[: given.sample] for label, texts in {**functions, **paragraphs}.items()}
    started = time.perf_counter()
    benchmark = [_entry(text) for texts in entries.values() for text in texts]
    found = Decontaminate(benchmark)
    built_s = time.perf_counter() - started
    rows = _recall(found, {label: entries[label] for label in functions}, CODE)
    rows |= _recall(found, {label: entries[label] for label in paragraphs}, PROSE)
    rows |= _ports(given.ports, given.sample, benchmark)
    clean = _clean(functions, paragraphs, given)
    started = time.perf_counter()
    alarms = [(text, answer) for text in clean if isinstance(answer := found.check(_unit(text)), Reject)]
    checked_s = time.perf_counter() - started
    missed = _print(rows, alarms, len(clean))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(
        f"{sum(map(len, entries.values()))} entries indexed in {built_s:.1f} s; clean texts: "
        f"{len(clean) / max(checked_s, 1e-9):.0f} a second; peak memory {peak:.0f} MiB"
    )
    return 1 if missed else 0


def _entry(text: Text) -> BenchmarkEntry:
    if text.name:
        return BenchmarkEntry(f"{text.label}/{text.name}", answers=(text.text,), language=text.label)
    return BenchmarkEntry(f"{text.path.name}/{text.key[:8]}", (text.text,))


def _unit(text: Text, changed: str | None = None) -> FilterInput:
    words = text.text if changed is None else changed
    return FilterInput("unit", text.label, code=words) if text.name else FilterInput("unit", prompt=words)


def _recall(
    found: Decontaminate, entries: Mapping[str, list[Text]], changes: Mapping[str, Change]
) -> dict[tuple[str, str], dict[str, Tally]]:
    """Hits by (code or prose, change) and label."""
    side = "code" if changes is CODE else "prose"
    rows: dict[tuple[str, str], dict[str, Tally]] = {}
    for name, change in changes.items() if entries else ():
        row = rows[side, name] = {}
        for label, texts in entries.items():
            units = (_unit(text, change(text.text, text.label, Random(at))) for at, text in enumerate(texts))
            row[label] = Tally(sum(isinstance(found.check(unit), Reject) for unit in units), len(texts))
    return rows


def _ports(
    folders: Sequence[Path], sample: int, others: Sequence[BenchmarkEntry]
) -> dict[tuple[str, str], dict[str, Tally]]:
    """Each task of these trees is in the benchmark in one language, beside the other entries; the units are
    the same task in the other languages, by language of the unit."""
    same: dict[tuple[str, str], dict[str, Text]] = defaultdict(dict)
    for language, texts in read_functions(folders).items():
        for text in texts:
            same[_plain(text.path.stem), _plain(text.name)].setdefault(language, text)
    tasks = [one for (_, name), one in sorted(same.items()) if len(one) > 1 and name != "main"]
    chosen = [Random(str(at)).choice(sorted(task)) for at, task in enumerate(tasks)]
    entries = (_entry(task[language]) for task, language in zip(tasks, chosen, strict=True))
    found = Decontaminate([*others, *entries])
    row: dict[str, Tally] = {}
    for language in sorted({language for task in tasks for language in task}):
        units = [
            _unit(task[language])
            for task, own in zip(tasks, chosen, strict=True)
            if language in task and own != language
        ][:sample]
        row[language] = Tally(sum(isinstance(found.check(unit), Reject) for unit in units), len(units))
    return {("code", "another language"): row} if row else {}


def _plain(name: str) -> str:
    return "".join(letter for letter in name.casefold() if letter.isalnum())


def _clean(
    functions: Mapping[str, list[Text]], paragraphs: Mapping[str, list[Text]], given: argparse.Namespace
) -> list[Text]:
    if given.clean:
        others = {**read_functions(given.clean), **read_paragraphs(given.clean)}
        return [text for texts in others.values() for text in texts[: given.units]]
    rest = {**functions, **paragraphs}
    return [text for texts in rest.values() for text in texts[given.sample : given.sample + given.units]]


def _print(
    rows: Mapping[tuple[str, str], Mapping[str, Tally]], alarms: Sequence[tuple[Text, Reject]], clean: int
) -> bool:
    """The tables. Returns whether a bar is missed."""
    console, missed = Console(), False
    table = Table(title="planted copies that were found", title_justify="left")
    for name in ("what", "change", "found", "of", "share", "bar", "by label"):
        table.add_column(name, overflow="fold")
    for (side, change), row in rows.items():
        whole = Tally(sum(one.hits for one in row.values()), sum(one.units for one in row.values()))
        aim = _AIMS.get(change, _USUAL_AIM)
        missed |= whole.share < aim
        labels = ", ".join(
            f"{'/'.join(Path(label).parts[-2:])} {100 * one.share:.1f}" for label, one in row.items()
        )
        table.add_row(
            side, change, str(whole.hits), str(whole.units), f"{whole.share:.1%}", f"{aim:.0%}", labels
        )
    console.print(table)
    copies = [alarm for alarm in alarms if _is_copy(alarm[1])]
    others = [alarm for alarm in alarms if not _is_copy(alarm[1])]
    rate = Tally(len(others), clean)
    print(
        f"false alarms: {rate.hits} of {rate.units} clean texts, {rate.share:.2%} (bar: {_MOST_ALARMS:.1%}); "
        f"apart from {len(copies)} copies, {Tally(len(copies), clean).share:.2%}"
    )
    for text, answer in [*others[:_SHOWN], *copies[:_SHOWN]]:
        about, words = answer.evidence, "copy" if _is_copy(answer) else "alarm"
        what = text.name or text.text[:50].replace("\n", " ")
        print(f"  {words}: {text.label} {what}: {about['entry']} by {about['measure']}, {about['share']}")
    return missed or rate.share > _MOST_ALARMS


def _is_copy(answer: Reject) -> bool:
    about = answer.evidence
    return about["measure"] in ("runs", "whole") and float(about["share"]) >= _COPY


if __name__ == "__main__":
    sys.exit(main())
