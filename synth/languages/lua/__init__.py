"""Lua 5.4: called by lua/driver.lua; lists, tuples and maps are tables."""

import re

from synth.languages.lua.conformance import CONTROLS, GOLD, HELLO, SAMPLES, STUBS
from synth.languages.lua.packages import PACKAGES
from synth.languages.spec import Driver, FailureWords, Language, Script, parameter_names
from synth.languages.support.sources import read_source
from synth.values import Signature


def render_signature(entry_point: str, names: tuple[str, ...], signature: Signature) -> str:
    """`function solve(xs, k)`."""
    return f"function {entry_point}({', '.join(parameter_names(names, signature))})"


def _files(code: str, entry_point: str, signature: Signature) -> dict[str, str]:
    return {"solution.lua": code, "driver.lua": read_source("lua/driver.lua")}


_EXIT = re.compile(r"^[ \t]*os\.exit[ \t]*\(((?:[^()\n]|\([^()\n]*\))+)\)\s*\Z", re.MULTILINE)


def _script(code: str, script: str, mark: str) -> dict[str, str]:
    """A script may end with an exit with the status of its tests, as luaunit's do: a status of success is
    its end."""
    status = (
        "do local status = ({\\1})[1]; if status ~= true and status ~= 0 then os.exit(status or 1) end end"
    )
    ended = _EXIT.sub(status, script)
    return {"main.lua": f"{code}\n{ended}\n;os.execute('printf {mark} >&3')\n"}


LANGUAGE = Language(
    name="lua",
    file_name="main.lua",
    tools=("lua5.4",),
    version_arguments=("-v",),
    install="apt-get install -y lua5.4",
    grammar="lua",
    run_command=("{lua5.4}", "main.lua"),
    packages=PACKAGES,
    driver=Driver(
        files=_files,
        run_command=("/bin/sh", "-c", 'exec "$0" driver.lua 1>&3 3>&-', "{lua5.4}"),
        unsupported_values=frozenset({"null in lists"}),
    ),
    script=Script(files=_script),
    render_signature=render_signature,
    failures=FailureWords(
        out_of_memory=("not enough memory",),
        fatal_out_of_memory=("not enough memory",),
        uncaught=("^stack traceback:$",),
    ),
    gold=GOLD,
    hello=HELLO,
    controls=CONTROLS,
    stubs=STUBS,
    samples=SAMPLES,
)
