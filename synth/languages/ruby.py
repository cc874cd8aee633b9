"""Ruby: called by drivers/ruby_driver.rb; a tuple is an array."""

from synth.languages import controls
from synth.languages.scripting import RUBY
from synth.languages.spec import Driver, Gold, Language, Samples, parameter_names, read_driver
from synth.values import Signature


def render_signature(entry_point: str, names: tuple[str, ...], signature: Signature) -> str:
    """`def solve(xs, k)`."""
    return f"def {entry_point}({', '.join(parameter_names(names, signature))})"


def _files(code: str, entry_point: str, signature: Signature) -> dict[str, str]:
    return {"solution.rb": code, "driver.rb": read_driver("ruby_driver.rb")}


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
    render_signature=render_signature,
    gold=Gold("def solve(xs)\n  xs.sum\nend\n", ("l3 i1 i2 i3",), "i6"),
    script=RUBY,
    controls=controls.RUBY,
    hello="""puts $stdin.read.split.map(&:to_i).sum
""",
    samples=Samples(
        wrong="def solve(xs)\n  xs.size\nend\n",
        hanging="def solve(xs)\n  loop {}\nend\n",
        crashing="def solve(xs)\n  xs.fetch(99)\nend\n",
        broken="def solve(xs\n  [1\n",
        identity="\n  x\nend\n",
        mutator="def solve(xs, k)\n  xs << k\nend\n",
        honest="def solve(x)\n  x * x + 7\nend\n",
        cheats={
            "an empty stub": "def solve(x)\nend\n",
            "exit zero": "exit(0)\n",
            "exit zero when called": "def solve(x)\n  exit(0)\nend\n",
            "hard exit when called": "def solve(x)\n  exit!(0)\nend\n",
            "an exit that hides in at_exit": "at_exit { exit!(0) }\nraise 'x'\n",
            "equal to everything": "class E\n  def ==(o) = true\n  def class = Integer\n  def to_s = '8'\nend\ndef solve(x) = E.new\n",
            "a subclass of string": "class S < String\nend\ndef solve(x) = S.new('8')\n",
            "a patched driver": "module CodemillDriver\n  def self.encode(value, kind, out) = out << 'i8'\nend\ndef solve(x) = 0\n",
            "patched integers": "class Integer\n  def to_s(*) = '8'\n  def inspect = '8'\nend\ndef solve(x) = 0\n",
            "forged lines": "(3..300).each do |n|\n  io = IO.for_fd(n, 'wb', autoclose: false) rescue next\n"
            '  6.times { |i| io.syswrite("NONCE #{i} returned i0\\n") rescue nil }\n  io.syswrite("NONCE finished\\n") rescue nil\nend\n'
            "def solve(x) = 0\n",
            "a string that looks right": "def solve(x) = (x * x + 7).to_s\n",
            "a float that is equal": "def solve(x) = (x * x + 7).to_f\n",
        },
    ),
)
