"""CoffeeScript: translated by coffee, then called by the JavaScript driver."""

from synth.languages.coffeescript.conformance import GOLD, HELLO, SAMPLES, STUBS
from synth.languages.javascript import AT_END, BEFORE_SCRIPT, FAILURES, NODE_FLAGS, RUNTIME_STACK_MB
from synth.languages.spec import Driver, Language, Script, parameter_names
from synth.languages.support.sources import read_source
from synth.values import Signature


def render_signature(entry_point: str, names: tuple[str, ...], signature: Signature) -> str:
    """`solve = (xs, k) ->`."""
    return f"{entry_point} = ({', '.join(parameter_names(names, signature))}) ->"


def _files(code: str, entry_point: str, signature: Signature) -> dict[str, str]:
    return {"solution.coffee": code, "driver.js": read_source("javascript/driver.js")}


def _script(code: str, script: str, mark: str) -> dict[str, str]:
    end = AT_END.replace("MARK", mark)
    return {"main.coffee": f"{code}\n`{BEFORE_SCRIPT}`\n{script}\n`{end}`\n"}


_COMPILE = ("{node}", "{coffee}", "--bare", "--no-header", "--compile")

LANGUAGE = Language(
    name="coffeescript",
    aliases=("coffee",),
    file_name="main.coffee",
    tools=("coffee", "node"),
    install="npm install -g --ignore-scripts coffeescript@2.7.0",
    display_name="CoffeeScript",
    compile_command=(*_COMPILE, "main.coffee"),
    run_command=("{node}", *NODE_FLAGS, "main.js"),
    runtime_mb=128,
    runtime_threads=32,
    runtime_stack_mb=RUNTIME_STACK_MB,
    data_limit=False,
    script=Script(files=_script),
    driver=Driver(
        files=_files,
        compile_command=(*_COMPILE, "solution.coffee"),
        run_command=("{node}", *NODE_FLAGS, "driver.js"),
        big_integers=True,
        optional=True,
        slow=True,
    ),
    render_signature=render_signature,
    failures=FAILURES,
    gold=GOLD,
    hello=HELLO,
    stubs=STUBS,
    samples=SAMPLES,
)
