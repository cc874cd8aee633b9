"""Haskell by GHC: the driver is compiled once; each program is compiled with a Main that names
its entry point."""

import re
from collections.abc import Sequence

from synth.languages.haskell.conformance import GOLD, HELLO, SAMPLES
from synth.languages.spec import Driver, FailureWords, Language, Script, UnsupportedType, WholeProgram
from synth.languages.support.composing import Terms
from synth.languages.support.sources import read_source
from synth.values import Signature

_SCALARS = {"int": "Int", "float": "Double", "str": "String", "bool": "Bool", "null": "()"}


def _tuple(inner: Sequence[str]) -> str:
    if not 2 <= len(inner) <= 4:
        raise UnsupportedType("tuples of Haskell are known from two to four items")
    return f"({', '.join(inner)})"


_KEYS = frozenset({"int", "str", "bool", "tuple", "list"})
_TYPES = Terms("Haskell", _SCALARS, "[{}]", "(Map.Map {} {})", _tuple, _KEYS)
_HEADER = re.compile(r"^module\s+[\w.]+(?:\s*\(.*?\))?\s+where\b", re.MULTILINE | re.DOTALL)
_PRAGMAS = re.compile(r"\A(?:\s*(?:\{-#.*?#-\}|--[^\n]*(?=\n)))*", re.DOTALL)
_FLAGS = ("-v0", "-w", "-O1")


def render_signature(entry_point: str, names: tuple[str, ...], signature: Signature) -> str:
    """`solve :: [Int] -> Int -> Int` and the beginning of the equation below it."""
    pairs = _TYPES.pairs(names, signature)
    types = " -> ".join([*(kind for _, kind in pairs), _TYPES.compose(signature.result)])
    lines = f"{entry_point} :: {types}\n{' '.join([entry_point, *(name for name, _ in pairs)])}"
    return f"import qualified Data.Map as Map\n\n{lines}" if "Map." in lines else lines


def _named(code: str, name: str) -> str:
    """The program as a module of that name that exports everything. Line numbers stay."""
    if _HEADER.search(code):
        return _HEADER.sub(f"module {name} where", code, count=1)
    end = _PRAGMAS.match(code).end()  # type: ignore[union-attr]  # it matches the empty text
    line = code[:end].count("\n") + 1
    return f'{code[:end]}\nmodule {name} where\n{{-# LINE {line} "{name}.hs" #-}}\n{code[end:]}'


_GUARD = """module Main (main) where
import qualified Program
import GHC.IO.Handle.FD (fdToHandle)
import System.IO (hClose, hPutStr)

main :: IO ()
main = do { _ <- Program.main; channel <- fdToHandle 3; hPutStr channel MARK; hClose channel }
"""


def _script(code: str, script: str, mark: str) -> dict[str, str]:
    return {"Program.hs": _named(f"{code}\n{script}\n", "Program"), "main.hs": _GUARD.replace("MARK", mark)}


def _files(code: str, entry_point: str, signature: Signature) -> dict[str, str]:
    _TYPES.check(signature)
    solution = _named(code, "Solution")
    count = len(signature.parameters)
    reads = "".join(f"(a{index}, r{index + 1}) = Codemill.next r{index}; " for index in range(count))
    call = " ".join([f"Solution.{entry_point}", *(f"a{index}" for index in range(count))])
    start = (
        "module Main (main) where\nimport qualified Codemill\nimport qualified Solution\n\nmain :: IO ()\n"
        f"main = Codemill.drive (\\r0 -> let {{ {reads}}} in Codemill.wire ({call}))\n"
    )
    return {"Solution.hs": solution, "Main.hs": start}


def whole_program(code: str) -> WholeProgram:
    """The module may have any name, and export anything."""
    return WholeProgram({"main.hs": _HEADER.sub("module Main where", code, count=1)}, "Main")


LANGUAGE = Language(
    name="haskell",
    aliases=("hs",),
    file_name="main.hs",
    tools=("ghc",),
    install="apt-get install -y ghc",
    grammar="haskell",
    paths=("/var/lib/ghc",),
    compile_command=("{ghc}", *_FLAGS, "-o", "program", "main.hs"),
    run_command=("./program",),
    whole_program=whole_program,
    data_limit=False,
    script=Script(files=_script, extra_compile_args=("-fno-ignore-asserts",)),
    driver=Driver(
        files=_files,
        shared={"Codemill.hs": read_source("haskell/driver.hs")},
        shared_commands=(("{ghc}", *_FLAGS, "-c", "Codemill.hs"),),
        compile_command=("{ghc}", *_FLAGS, "-i.:{shared}", "-o", "program", "Main.hs"),
        run_command=("./program",),
        slow=True,
    ),
    render_signature=render_signature,
    failures=FailureWords(uncaught=("^program: ",)),
    gold=GOLD,
    hello=HELLO,
    samples=SAMPLES,
)
