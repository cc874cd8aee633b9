"""Programs that do their worst, one of each kind: nothing is left of them, and the supervisor pays little."""

from benchmarks.pathological.__main__ import run
from benchmarks.pathological.programs import PATHOLOGIES, available
from synth.languages.registry import get_language
from synth.records import Limits, Outcome


def test_one_of_each_kind_leaves_nothing_and_costs_little() -> None:
    count = len(available())
    limits = Limits(cpu_s=1, wall_s=1.5, memory_mb=256, processes=32, output_bytes=8 << 20)
    report = run(count, count, limits)
    assert [line for line in report.wrong if not line.startswith("memory grew")] == []
    assert report.samples[-1].memory - report.samples[0].memory < 300 << 20
    assert report.own_cpu_s < max(0.1, 2 * report.program_cpu_s)


def test_every_kind_names_a_language_and_verdicts_that_exist_and_no_two_are_alike() -> None:
    names = {outcome.value for outcome in Outcome}
    for kind in PATHOLOGIES:
        assert get_language(kind.language).name == kind.language
        assert set(kind.verdicts.split()) <= names - {"pass", "infrastructure", "toolchain_missing"}
        assert kind.row(1)["code"] != kind.row(2)["code"]
