"""Crystal: the driver is compiled with each program."""

import re
from collections.abc import Sequence

from synth.languages.crystal.conformance import GOLD, HELLO, SAMPLES, STUBS
from synth.languages.spec import Driver, FailureWords, Language, Script
from synth.languages.support.composing import Terms
from synth.languages.support.declarations import split_top
from synth.languages.support.sources import read_source
from synth.values import Signature

_SCALARS = {"int": "Int64", "float": "Float64", "str": "String", "bool": "Bool", "null": "Nil"}
_TYPES = Terms("Crystal", _SCALARS, "Array({})", "Hash({}, {})", lambda inner: f"Tuple({', '.join(inner)})")
_READABLE = frozenset("Int32 Int64 Float32 Float64 String Char Bool Nil Array Hash Tuple".split())
_COMPILE = ("{crystal}", "build", "--no-debug", "--no-color", "--threads", "1", "-o", "program")
_BEFORE = (
    "module CodemillEnd; class_property? reached : Bool = false; end; at_exit { |status| "
    "LibC.write(3, MARK.to_unsafe, LibC::SizeT.new(MARK.bytesize)) if status == 0 && CodemillEnd.reached? }\n"
)
_AFTER = """
{% if @top_level.has_constant?("Spec") %}
class CodemillFormatter < Spec::Formatter
  def finish(elapsed_time, aborted)
    CodemillEnd.reached = true
  end
end
Spec.add_formatter(CodemillFormatter.new)
{% else %}
CodemillEnd.reached = true
{% end %}
"""


def _script(code: str, script: str, mark: str) -> dict[str, str]:
    """The mark is written at exit, after the examples of `spec`, which also run there, and only
    if these finished."""
    return {"main.cr": f"{_BEFORE.replace('MARK', mark)}{code}\n{script}\n{_AFTER}"}


def render_signature(entry_point: str, names: tuple[str, ...], signature: Signature) -> str:
    """`def solve(xs : Array(Int64), k : Int64) : Int64`."""
    written = ", ".join(f"{name} : {kind}" for name, kind in _TYPES.pairs(names, signature))
    return f"def {entry_point}({written}) : {_TYPES.compose(signature.result)}"


def _declared(code: str, entry_point: str, usual: Sequence[str]) -> Sequence[str]:
    """The types that the function declares for its parameters; the usual ones where it does not."""
    found = list(re.finditer(rf"^\s*def\s+(?:self\.)?{entry_point}\s*\(", code, re.MULTILINE))
    depth, at = 1, found[-1].end() if found else len(code)
    while depth and at < len(code):
        depth += (code[at] == "(") - (code[at] == ")")
        at += 1
    parameters = split_top(code[found[-1].end() : at - 1]) if found else []
    written = [part.partition(":")[2].partition("=")[0].strip() for part in parameters]
    if len(written) != len(usual):
        return usual
    known = [all(word in _READABLE for word in re.findall(r"\w+", own)) for own in written]
    return [
        own if own and is_known else kind for own, is_known, kind in zip(written, known, usual, strict=True)
    ]


def _owner(code: str, entry_point: str) -> str:
    """What stands before a method of a class `Solution`; nothing if there is no such class."""
    if not re.search(r"^\s*(?:class|struct|module)\s+Solution\b", code, re.MULTILINE):
        return ""
    return "Solution." if re.search(rf"\bdef\s+self\.{entry_point}\b", code) else "Solution.new."


def _files(code: str, entry_point: str, signature: Signature) -> dict[str, str]:
    _TYPES.check(signature)
    usual = [_TYPES.compose(kind) for kind in signature.parameters]
    arguments = ", ".join(f"a.next({kind})" for kind in _declared(code, entry_point, usual))
    owner = "" if re.search(rf"^def\s+{entry_point}\b", code, re.MULTILINE) else _owner(code, entry_point)
    start = (
        f'require "./codemill"\nrequire "./solution"\n'
        f"Codemill.drive {{ |a| {owner}{entry_point}({arguments}) }}\n"
    )
    return {"solution.cr": code, "codemill.cr": read_source("crystal/driver.cr"), "start.cr": start}


LANGUAGE = Language(
    name="crystal",
    aliases=("cr",),
    file_name="main.cr",
    tools=("crystal", "gcc"),
    install="apt-get install -y crystal gcc",
    compile_command=(*_COMPILE, "main.cr"),
    run_command=("./program",),
    data_limit=False,
    script=Script(files=_script),
    driver=Driver(
        files=_files, compile_command=(*_COMPILE, "start.cr"), run_command=("./program",), slow=True
    ),
    render_signature=render_signature,
    failures=FailureWords(assertion=("Failure[:/]",), uncaught=("^Unhandled exception: ",)),
    gold=GOLD,
    hello=HELLO,
    stubs=STUBS,
    samples=SAMPLES,
)
