"""Erlang: the driver is compiled once and calls the program's module; text is a list of characters."""

import re

from synth.languages.elixir import BEAM_FLAGS
from synth.languages.spec import Driver, Gold, Language, Samples, parameter_names, read_driver
from synth.values import Signature, ValueType

_WRITTEN = {"int": "integer()", "float": "float()", "str": "string()", "bool": "boolean()", "null": "null", "any": "term()"}
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
    """`-spec solve([integer()], integer()) -> integer().` and the head of the clause below it; names begin with a capital."""
    types = ", ".join(map(_write_type, signature.parameters))
    capitals = ", ".join(name[:1].upper() + name[1:] for name in parameter_names(names, signature))
    return f"-spec {entry_point}({types}) -> {_write_type(signature.result)}.\n{entry_point}({capitals})"


def _files(code: str, entry_point: str, signature: Signature) -> dict[str, str]:
    named = _MODULE.sub("-module(solution).", code, count=1) if _MODULE.search(code) else f"-module(solution). {code}"
    return {"solution.erl": named}


LANGUAGE = Language(
    name="erlang",
    aliases=("erl",),
    file_name="main.erl",
    tools=("erl", "erlc", "escript"),
    version_arguments=("-version",),
    install="apt-get install -y erlang-base",
    grammar="erlang",
    environment={"ERL_FLAGS": BEAM_FLAGS, "ERL_CRASH_DUMP_BYTES": "0"},
    run_command=("{escript}", "-c", "main.erl"),
    runtime_mb=128,
    runtime_threads=32,
    data_limit=False,
    driver=Driver(
        files=_files,
        shared={"codemill.erl": read_driver("erlang_driver.erl")},
        shared_commands=(("{erlc}", "codemill.erl"),),
        compile_command=("{erlc}", "+export_all", "+nowarn_export_all", "+nowarn_unused_function", "solution.erl"),
        run_command=("{erl}", *_FLAGS, "-pa", "{shared}", "-pa", ".", "-s", "codemill", "main"),
        lacks=frozenset({"infinity and NaN"}),
        big_integers=True,
        slow=True,
    ),
    render_signature=render_signature,
    gold=Gold("-module(answer).\n-export([solve/1]).\n\nsolve(Xs) -> lists:sum(Xs).\n", ("l3 i1 i2 i3",), "i6"),
    hello="""#!/usr/bin/env escript
main(_) ->
    Line = io:get_line(""),
    io:format("~p~n", [lists:sum([list_to_integer(Word) || Word <- string:lexemes(Line, " \\n")])]).
""",
    samples=Samples(
        wrong="solve(Xs) -> length(Xs).\n",
        hanging="solve(Xs) -> solve(Xs).\n",
        crashing="solve(Xs) -> lists:nth(99, Xs).\n",
        broken="solve(Xs) -> length(Xs.\n",
        refused="solve(Xs) -> nothing(Xs).\n",
        identity=" -> X.\n",
        mutator="solve(Xs, K) -> Xs ++ [K].\n",
        honest="-module(solution).\n-export([solve/1]).\nsolve(X) -> X * X + 7.\n",
    ),
)
