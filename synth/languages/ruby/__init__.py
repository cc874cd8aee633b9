"""Ruby: called by ruby/driver.rb; a tuple is an array."""

from synth.languages.spec import (
    ConformancePrograms,
    Driver,
    Gold,
    Language,
    Zygote,
    parameter_names,
    read_driver,
)
from synth.languages.support import controls
from synth.languages.support.scripting import RUBY
from synth.values import Signature


def render_signature(entry_point: str, names: tuple[str, ...], signature: Signature) -> str:
    """`def solve(xs, k)`."""
    return f"def {entry_point}({', '.join(parameter_names(names, signature))})"


def _files(code: str, entry_point: str, signature: Signature) -> dict[str, str]:
    return {"solution.rb": code, "driver.rb": read_driver("ruby/driver.rb")}


LANGUAGE = Language(
    name="ruby",
    aliases=("rb",),
    file_name="main.rb",
    tools=("ruby",),
    install="apt-get install -y ruby",
    grammar="ruby",
    run_command=("{ruby}", "--disable-gems", "main.rb"),
    runtime_mb=64,
    driver=Driver(files=_files, run_command=("{ruby}", "--disable-gems", "driver.rb"), big_integers=True),
    zygote=Zygote(
        files={"main.rb": "\n", "driver.rb": read_driver("ruby/driver.rb")},
        opened_files={"driver.rb": "solution.rb"},
        skipped_function="ruby_vm_destruct",
    ),
    render_signature=render_signature,
    gold=Gold("def solve(xs)\n  xs.sum\nend\n", ("l3 i1 i2 i3",), "i6"),
    script=RUBY,
    controls=controls.RUBY,
    hello="""puts $stdin.read.split.map(&:to_i).sum
""",
    samples=ConformancePrograms(
        wrong="def solve(xs)\n  xs.size\nend\n",
        hanging="def solve(xs)\n  loop {}\nend\n",
        crashing="def solve(xs)\n  xs.fetch(99)\nend\n",
        broken="def solve(xs\n  [1\n",
        identity="\n  x\nend\n",
        mutator="def solve(xs, k)\n  xs << k\nend\n",
        honest="def solve(x)\n  x * x + 7\nend\n",
    ),
)
