"""The executor's benchmark: what it calls right and wrong, and that its programs are what it says."""

from benchmarks.executor.row import at_least, at_most, none_of
from benchmarks.executor.speed import BARE, MODES
from benchmarks.executor.verdicts import GOLD, programs
from benchmarks.executor.whole import script_program, stdio_program
from synth.languages.registry import get_language


def test_a_ratio_that_misses_its_aim_says_so() -> None:
    assert at_least("a", 5.0, 5).is_right
    assert not at_least("a", 4.99, 5).is_right
    assert at_most("a", 1.5, 1.5).is_right
    assert not at_most("a", 1.51, 1.5).is_right
    assert none_of("a", 0).is_right
    assert not none_of("a", 1).is_right


def test_every_bare_program_is_the_file_that_its_commands_name() -> None:
    for name, bare in BARE.items():
        extensions = get_language(name).source_extensions
        for mode in MODES:
            assert bare.file_of(mode).endswith(extensions), (name, mode)


def test_every_language_has_a_program_in_each_mode() -> None:
    for name in BARE:
        assert stdio_program(name), name
        assert script_program(name).script, name
        assert get_language(name).gold or name == "r", name


def test_as_many_gold_programs_are_made_as_asked_all_distinct() -> None:
    made = list(programs())
    assert sum(gold for _, _, gold in made) == GOLD >= 500
    assert len({request.id for request, _, _ in made}) == len(made)
