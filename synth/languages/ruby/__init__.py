"""Ruby: called by ruby/driver.rb; a tuple is an array."""

from synth.languages.ruby.conformance import CONTROLS, GOLD, HELLO, SAMPLES, STUBS
from synth.languages.spec import Driver, FailureWords, Language, Script, Zygote, parameter_names
from synth.languages.support.scripts import appended
from synth.languages.support.sources import read_source
from synth.values import Signature


def render_signature(entry_point: str, names: tuple[str, ...], signature: Signature) -> str:
    """`def solve(xs, k)`."""
    return f"def {entry_point}({', '.join(parameter_names(names, signature))})"


def _files(code: str, entry_point: str, signature: Signature) -> dict[str, str]:
    return {"solution.rb": code, "driver.rb": read_source("ruby/driver.rb")}


_END = """
if defined?(Test::Unit::AutoRunner)
  Test::Unit::AutoRunner.need_auto_run = false
  exit!(1) unless Test::Unit::AutoRunner.run
end
exit!(1) if defined?(Minitest) && Minitest.respond_to?(:run) && !Minitest.run([])
IO.for_fd(3, "w").tap { |channel| channel.write(MARK) }.flush"""
"""Test cases of test/unit and minitest would run after the end of the file, so they run before the mark."""

LANGUAGE = Language(
    name="ruby",
    aliases=("rb",),
    file_name="main.rb",
    tools=("ruby",),
    install="apt-get install -y ruby",
    grammar="ruby",
    comment_signs=("#",),
    run_command=("{ruby}", "--disable-gems", "main.rb"),
    runtime_mb=64,
    stack_environment={"RUBY_THREAD_VM_STACK_SIZE": "{stack_bytes}"},
    driver=Driver(
        files=_files,
        run_command=("{ruby}", "--disable-gems", "driver.rb"),
        big_integers=True,
        optional=True,
    ),
    zygote=Zygote(
        files={"main.rb": "\n", "driver.rb": read_source("ruby/driver.rb")},
        opened_files={"driver.rb": "solution.rb"},
        skipped_function="ruby_vm_destruct",
    ),
    render_signature=render_signature,
    script=Script(files=appended("main.rb", _END), run_command=("{ruby}", "main.rb")),
    failures=FailureWords(
        assertion=("Failure[:/]",),
        out_of_memory=("NoMemoryError",),
        fatal_out_of_memory=("(NoMemoryError)",),
        uncaught=(r"^main\.rb:\d+:in .*\([\w:]+\)$", "syntax error"),
    ),
    gold=GOLD,
    hello=HELLO,
    controls=CONTROLS,
    stubs=STUBS,
    samples=SAMPLES,
)
