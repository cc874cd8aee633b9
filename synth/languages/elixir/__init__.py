"""Elixir: called by elixir/driver.exs; every value has one natural type. There are no infinite
floats or NaN."""

from synth.languages.elixir.conformance import GOLD, HELLO, SAMPLES, STUBS
from synth.languages.spec import Driver, FailureWords, Language, Script, parameter_names
from synth.languages.support.sources import read_source
from synth.values import Signature


def render_signature(entry_point: str, names: tuple[str, ...], signature: Signature) -> str:
    """`def solve(xs, k) do` in a module."""
    return f"defmodule Solution do\n  def {entry_point}({', '.join(parameter_names(names, signature))}) do"


def _files(code: str, entry_point: str, signature: Signature) -> dict[str, str]:
    """Bare functions are put into a module; line numbers stay."""
    solution = code if "defmodule" in code else f"defmodule Solution do {code}\nend"
    return {"solution.ex": solution, "driver.exs": read_source("elixir/driver.exs")}


_BEFORE = (
    "Application.load(:ex_unit); ExUnit.after_suite(fn suite -> if suite.failures > 0, do: "
    "System.halt(1) end)\n"
)
_AFTER = """
if Process.whereis(ExUnit.Server), do: ExUnit.run()
Port.command(Port.open({:fd, 3, 3}, [:out, :binary]), MARK)
System.halt(0)
"""


def _script(code: str, script: str, mark: str) -> dict[str, str]:
    """ExUnit's test cases would run after the end of the file, so they are run before the mark; a failed
    one skips it."""
    return {"main.exs": f"{_BEFORE}{code}\n{script}\n{_AFTER.replace('MARK', mark)}"}


BEAM_FLAGS = "+S 1:1 +SDcpu 1:1 +SDio 1 +A 1 +sbwt none"
"""One scheduler of each kind, without spinning: a program has one core."""

BEAM_OUT_OF_MEMORY = "eheap_alloc: Cannot allocate"

LANGUAGE = Language(
    name="elixir",
    aliases=("ex", "exs"),
    file_name="main.exs",
    tools=("elixir", "erl"),
    install="apt-get install -y elixir",
    grammar="elixir",
    environment={"ELIXIR_ERL_OPTIONS": BEAM_FLAGS, "ERL_CRASH_DUMP_BYTES": "0"},
    run_command=("{elixir}", "main.exs"),
    runtime_mb=128,
    runtime_threads=32,
    data_limit=False,
    driver=Driver(
        files=_files,
        run_command=("{elixir}", "driver.exs"),
        unsupported_values=frozenset({"infinity and NaN"}),
        big_integers=True,
        slow=True,
    ),
    script=Script(files=_script),
    render_signature=render_signature,
    failures=FailureWords(fatal_out_of_memory=(BEAM_OUT_OF_MEMORY,), uncaught=(r"^\*\* \(",)),
    gold=GOLD,
    hello=HELLO,
    stubs=STUBS,
    samples=SAMPLES,
)
