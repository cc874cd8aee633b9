"""Erlang: the driver is compiled once and calls the program's module; text is a list of characters."""

import re

from synth.languages.elixir import BEAM_FLAGS, BEAM_OUT_OF_MEMORY
from synth.languages.erlang.conformance import GOLD, HELLO, SAMPLES, STUBS
from synth.languages.spec import Driver, FailureWords, Language, Script, parameter_names
from synth.languages.support.sources import read_source
from synth.values import Signature, ValueType

_WRITTEN = {
    "int": "integer()",
    "float": "float()",
    "str": "string()",
    "bool": "boolean()",
    "null": "null",
    "any": "term()",
}
_MODULE = re.compile(r"^\s*-module\s*\([^)]*\)\s*\.", re.MULTILINE)
_FLAGS = (*BEAM_FLAGS.split(), "-noshell", "-noinput")


def _write_type(kind: ValueType) -> str:
    inner = [_write_type(one) for one in kind.inner]
    if kind.kind == "list":
        return f"[{inner[0]}]"
    if kind.kind == "map":
        return f"#{{{inner[0]} => {inner[1]}}}"
    return f"{{{', '.join(inner)}}}" if kind.kind == "tuple" else _WRITTEN[kind.kind]


def render_signature(entry_point: str, names: tuple[str, ...], signature: Signature) -> str:
    """`-spec solve([integer()], integer()) -> integer().` and the clause head below it; names begin
    with a capital."""
    types = ", ".join(map(_write_type, signature.parameters))
    capitals = ", ".join(name[:1].upper() + name[1:] for name in parameter_names(names, signature))
    return f"-spec {entry_point}({types}) -> {_write_type(signature.result)}.\n{entry_point}({capitals})"


def _files(code: str, entry_point: str, signature: Signature) -> dict[str, str]:
    named = (
        _MODULE.sub("-module(solution).", code, count=1)
        if _MODULE.search(code)
        else f"-module(solution). {code}"
    )
    return {"solution.erl": named}


_GUARD = """-module(codemill_guard).
-export([main/0]).

main() ->
    Done = make_ref(),
    {_, Run} = spawn_monitor(fun () -> run(), exit(Done) end),
    receive
        {'DOWN', Run, process, _, Done} ->
            port_command(open_port({fd, 3, 3}, [out, binary]), <<MARK>>),
            halt(0);
        {'DOWN', Run, process, _, Reason} ->
            io:format(standard_error, "~p~n", [Reason]),
            halt(1)
    end.

run() ->
    {module, _} = code:ensure_loaded(PROGRAM),
    Starts = [{Name, Words} || {Name, Words} <- [{test, []}, {main, [[]]}, {main, []}],
              erlang:function_exported(PROGRAM, Name, length(Words))],
    Starts =/= [] orelse error(the_script_defines_no_test_and_no_main),
    [failed(apply(PROGRAM, Name, Words)) andalso error({failed, Name}) || {Name, Words} <- Starts].

failed({error, _}) -> true;
failed(Ended) -> lists:member(Ended, [error, failed, false]).
"""
"""Wraps the script's `test` (EUnit generates one from its test functions, whose failures do not end the
process) and its `main`."""

_NAMED = re.compile(r"^\s*-module\s*\(\s*(\w+)\s*\)\s*\.", re.MULTILINE)
_ON_TOP = re.compile(
    r"^-(?:export|import|include|include_lib|compile)\s*\(.*?\)\s*\.[ \t]*$", re.MULTILINE | re.DOTALL
)


def _script(code: str, script: str, mark: str) -> dict[str, str]:
    """One module with the program's name; the script's declarations go to the top, where the
    compiler requires them."""
    text = re.sub(r"\A#![^\n]*", "", f"{code}\n{_ON_TOP.sub('', script)}\n")
    named = _NAMED.search(text)
    name = named[1] if named else "program"
    head = "".join(f"{declared}\n" for declared in _ON_TOP.findall(script))
    whole = f"-module({name}).\n{head}{_MODULE.sub('', text)}"
    return {f"{name}.erl": whole, "codemill_guard.erl": _GUARD.replace("PROGRAM", name).replace("MARK", mark)}


_COMPILE_SCRIPT = 'exec "$0" +export_all +nowarn_export_all +nowarn_unused_function -DTEST *.erl'

LANGUAGE = Language(
    name="erlang",
    aliases=("erl",),
    file_name="main.erl",
    tools=("erl", "erlc", "escript"),
    version_arguments=("-version",),
    install="apt-get install -y erlang-base erlang-eunit erlang-dev",
    environment={"ERL_FLAGS": BEAM_FLAGS, "ERL_CRASH_DUMP_BYTES": "0"},
    run_command=("{escript}", "-c", "main.erl"),
    runtime_mb=128,
    runtime_threads=32,
    data_limit=False,
    script=Script(
        files=_script,
        compile_command=("/bin/sh", "-c", _COMPILE_SCRIPT, "{erlc}"),
        run_command=("{erl}", *_FLAGS, "-pa", ".", "-s", "codemill_guard", "main"),
    ),
    driver=Driver(
        files=_files,
        shared={"codemill.erl": read_source("erlang/driver.erl")},
        shared_commands=(("{erlc}", "codemill.erl"),),
        compile_command=(
            "{erlc}",
            "+export_all",
            "+nowarn_export_all",
            "+nowarn_unused_function",
            "solution.erl",
        ),
        run_command=("{erl}", *_FLAGS, "-pa", "{shared}", "-pa", ".", "-s", "codemill", "main"),
        unsupported_values=frozenset({"infinity and NaN"}),
        big_integers=True,
        slow=True,
    ),
    render_signature=render_signature,
    failures=FailureWords(assertion=(r"\{assert\w*,",), fatal_out_of_memory=(BEAM_OUT_OF_MEMORY,)),
    gold=GOLD,
    hello=HELLO,
    stubs=STUBS,
    samples=SAMPLES,
)
