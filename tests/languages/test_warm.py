"""A program that starts warm finds what it would find in a fresh interpreter: programs that look around say
the same, and end the same.

Place in the flow: the programs of a language stand in `synth/languages/<language>/warm.txt`, read as cheats
are. The one rule: everything that an observation holds is compared, time and memory aside.
"""

import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Final

import pytest

from synth.execution.isolation.process import ProcessSandbox
from synth.execution.programs.exclusive_lock import SharedExclusiveLock
from synth.execution.programs.language_runner import LanguageRunner
from synth.languages.registry import all_languages, get_language
from synth.languages.toolchain import find_toolchain
from synth.records import CheckCall, CheckedCase, ExecutionRequest, Limits, Observation, StdioCall
from tests.languages.cheat_files import LANGUAGES, read_cheats
from tests.languages.toolchains import need

PROGRAMS: Final = {
    path.parent.name: read_cheats(path.read_text(encoding="utf-8"))
    for path in sorted(LANGUAGES.glob("*/warm.txt"))
}
STDIN: Final = "3 1 2\nzwei Wörter\nno end of line"
LIMITS: Final = Limits(cpu_s=1.6, wall_s=60, memory_mb=128, output_bytes=200_000)
ADDRESS: Final = re.compile("0x[0-9a-f]{8,}")
MEASURED: Final = {"cpu_s", "wall_s", "peak_memory_mb"}


class Starts:
    """Cold and warm starts of one language."""

    def __init__(self, sandbox: ProcessSandbox, language: str) -> None:
        toolchain, spoken = find_toolchain(language), get_language(language)
        assert toolchain is not None, "asked for before"
        self.cold = LanguageRunner(sandbox, replace(spoken, zygote=None), toolchain, SharedExclusiveLock())
        self.warm = LanguageRunner(sandbox, spoken, toolchain, SharedExclusiveLock())
        self.cold.prepare()
        self.warm.prepare()

    def served(self) -> int:
        """How many programs were forked by zygotes that still live."""
        workers = self.warm._warm
        return sum(serving.served for serving in workers._idle) if workers else 0

    def run(self, runner: LanguageRunner, code: str) -> Observation:
        name = runner.language.name
        request = ExecutionRequest(
            id="p", language=name, code=code, call=StdioCall(stdins=(STDIN,)), limits=LIMITS
        )
        return runner.run(request)


@pytest.fixture(scope="module")
def sandbox() -> Iterator[ProcessSandbox]:
    with ProcessSandbox() as made:
        if made.level == "C":
            pytest.skip("level C has no zygotes")
        yield made


@pytest.fixture(scope="module", params=PROGRAMS)
def starts(request: pytest.FixtureRequest, sandbox: ProcessSandbox) -> Iterator[Starts]:
    need(request.param)
    made = Starts(sandbox, request.param)
    yield made
    made.warm.close()


def without_addresses(seen: Observation) -> dict[str, str]:
    """What is compared, as text. Addresses of objects differ from one cold start to the next."""
    return {key: ADDRESS.sub("0x", str(value)) for key, value in seen.model_dump(exclude=MEASURED).items()}


def test_every_language_with_a_zygote_has_programs_that_look_around() -> None:
    assert set(PROGRAMS) == {language.name for language in all_languages() if language.zygote}


def test_programs_see_and_do_the_same_warm_and_cold(starts: Starts) -> None:
    different: dict[str, tuple[str, str]] = {}
    for name, code in PROGRAMS[starts.warm.language.name].items():
        before = starts.served()
        cold, warm = (without_addresses(starts.run(runner, code)) for runner in (starts.cold, starts.warm))
        assert starts.served() == before + 1, f"{name}: did not start warm"
        different |= {f"{name}: {key}": (cold[key], warm[key]) for key in cold if cold[key] != warm[key]}
    assert different == {}


RANDOM: Final = {
    "ruby": "p rand, [*1..99].shuffle, Random.new.seed, Random.bytes(4), Kernel.srand",
    "r": "cat(runif(2), sample(1e9, 1), rnorm(1))",
    "perl": "print join ' ', rand, srand, map { int rand 1e9 } 1 .. 9;",
}


@pytest.mark.parametrize("language", RANDOM)
def test_random_numbers_are_other_ones_in_each_program(sandbox: ProcessSandbox, language: str) -> None:
    need(language)
    starts = Starts(sandbox, language)
    seen = [starts.run(starts.warm, RANDOM[language]).stdout.head for _ in range(3)]
    assert starts.served() == 3
    starts.warm.close()
    assert len(set(seen)) == 3


SECRET: Final = "# " + "of-the-first-program-" * 10
SEARCH: Final = {
    "ruby": """
word = /(?:of.the.first.program.){3}/n
found = File.foreach('/proc/self/maps').sum do |line|
  from, to = line.split[0].split('-').map(&:hex)
  next 0 if line.split[1][0] != 'r' || line.include?('[v')
  File.open('/proc/self/mem', 'rb') do |memory|
    memory.seek(from)
    memory.read(to - from).scan(word).size
  end rescue 0
end
puts found
""",
    "r": """
memory <- file("/proc/self/mem", "rb", raw = TRUE)
word <- "(of.the.first.program.){3}"
in_span <- function(line) {
  span <- as.numeric(paste0("0x", strsplit(sub(" .*", "", line), "-")[[1]]))
  if (!grepl("^[^ ]+ r", line) || grepl("[v", line, fixed = TRUE)) return(0)
  seek(memory, span[1])
  length(grepRaw(word, suppressWarnings(readBin(memory, "raw", span[2] - span[1])), all = TRUE))
}
cat(sum(sapply(readLines("/proc/self/maps"), in_span)), "\n", sep = "")
""",
}


@pytest.mark.parametrize("language", SEARCH)
def test_nothing_of_a_program_is_in_the_memory_of_the_next(sandbox: ProcessSandbox, language: str) -> None:
    need(language)
    starts = Starts(sandbox, language)
    assert int(starts.run(starts.warm, f"{SEARCH[language]}{SECRET}\n").stdout.head) > 0
    assert starts.run(starts.warm, SEARCH[language]).stdout.head == "0\n"
    assert starts.served() == 2
    starts.warm.close()


def test_each_php_program_draws_other_numbers(sandbox: ProcessSandbox) -> None:
    need("php")
    starts = Starts(sandbox, "php")
    ways = (
        "[random_int(0, PHP_INT_MAX), mt_rand(), rand(), lcg_value(), uniqid('', true), "
        "bin2hex(openssl_random_pseudo_bytes(8))]"
    )
    drawn = [
        starts.run(starts.warm, f"<?php echo implode(' ', {ways});").stdout.head.split(" ") for _ in range(3)
    ]
    assert starts.served() == 3
    starts.warm.close()
    assert [len(numbers) for numbers in drawn] == [6, 6, 6]
    assert len({number for numbers in drawn for number in numbers}) == 18


PLACE: Final = re.compile(r"/tmp/|/work/|'length': \d+")
"""Where a checker's files lie, which is told in words of another length."""
READERS: Final = {
    "python": "import sys\nprint(sys.argv, *[open(n).read() for n in sys.argv[1:]], sys.stdin.read())\n1 / 0",
    "ruby": "puts ARGV.inspect, ARGV.map { |n| File.read(n) }.inspect, STDIN.read\nraise 'x'",
    "perl": "print \"@ARGV\", <>; print <STDIN>; die 'x'",
    "php": "<?php echo implode(' ', $argv), implode(array_map('file_get_contents', array_slice($argv, 1)));",
    "r": "a <- commandArgs(TRUE)\ncat(a, sapply(a, readLines), readLines('stdin'))\nstop('x')",
    "commonlisp": (
        "(dolist (n (last sb-ext:*posix-argv* 3))"
        " (with-open-file (s n) (print (list n (read-line s) (read-line *standard-input* nil)))))"
    ),
}


@pytest.mark.parametrize("language", PROGRAMS)
def test_a_checker_finds_the_same_files_and_words_warm_and_cold(
    sandbox: ProcessSandbox, language: str
) -> None:
    need(language)
    starts = Starts(sandbox, language)
    cases = tuple(CheckedCase(input=f"in{at} ü\n", output="out\n", expected="want\n") for at in range(2))
    request = ExecutionRequest(
        id="c", language=language, code=READERS[language], call=CheckCall(cases=cases), limits=LIMITS
    )
    cold, warm = (without_addresses(runner.run(request)) for runner in (starts.cold, starts.warm))
    assert starts.served() == 2
    starts.warm.close()
    assert "/tmp/expected" in cold["stdout"]
    assert "/work/expected" in warm["stdout"]
    told = [{key: PLACE.sub("", text) for key, text in seen.items()} for seen in (cold, warm)]
    assert told[0] == told[1]
    assert "want" in cold["stdout"]
