"""C# by Mono: a resident compiler (csharp/compiler.cs), a driver that loads each program as a
library. A tuple is a value tuple."""

import re
from collections.abc import Sequence
from functools import partial

from synth.languages.csharp.conformance import GOLD, HELLO, SAMPLES, STUBS
from synth.languages.spec import Driver, FailureWords, Language, Script
from synth.languages.support.composing import Terms
from synth.languages.support.declarations import declared_contract, outside_braces, read_type
from synth.languages.support.sources import read_source
from synth.records import FunctionContract
from synth.values import Signature

_SCALARS = {
    "int": "long",
    "float": "double",
    "str": "string",
    "bool": "bool",
    "null": "object",
    "any": "object",
}
_KEYS = frozenset({"int", "float", "str", "bool", "tuple", "any"})


def _write_tuple(items: Sequence[str]) -> str:
    """From the eighth item on, the rest is a nested tuple."""
    rest = [_write_tuple(items[7:])] if len(items) > 7 else []
    return f"ValueTuple<{', '.join([*items[:7], *rest])}>"


_STRUCTS = frozenset({"int", "float", "bool", "tuple"})
_TYPES = Terms(
    "C#",
    _SCALARS,
    "List<{}>",
    "Dictionary<{}, {}>",
    _write_tuple,
    _KEYS,
    lambda kind, inner: f"{inner}?" if kind.kind in _STRUCTS else inner,
)
_SIMPLE = {
    "long": "int",
    "int": "int",
    "short": "int",
    "double": "float",
    "float": "float",
    "string": "str",
    "bool": "bool",
}
_SIMPLE |= {"void": "null"}
_GENERIC = {"List": "list", "IList": "list", "IEnumerable": "list", "Dictionary": "map", "IDictionary": "map"}
_USING = re.compile(r"^[ \t]*using\s+(?:static\s+)?[\w.]+(?:\s*=\s*[^;\n]+)?;[ \t]*$", re.MULTILINE)
_DIRECTIVE = re.compile(r"^[ \t]*#[^\n]*", re.MULTILINE)
_TYPE = re.compile(
    r"(?:\s|\[[^\]]*\])*(?:\w+\s+)*?(?:class|struct|interface|enum|namespace|delegate|using)\s"
)
"""The beginning of a declaration that needs no enclosing class: attributes, modifiers, and its keyword."""
_GIVEN = "using System; using System.Collections.Generic; using System.Linq; using System.Text; "
_LIBRARY = ("-nologo", "-warn:0", "-r:System.Numerics.dll", "-r:System.Core.dll")


def render_signature(entry_point: str, names: tuple[str, ...], signature: Signature) -> str:
    """`static long solve(List<long> xs, long k)`."""
    written = ", ".join(f"{kind} {name}" for name, kind in _TYPES.pairs(names, signature))
    return f"static {_TYPES.compose(signature.result)} {entry_point}({written})"


_read_type = partial(read_type, simple=_SIMPLE, generic=_GENERIC)


def find_signature(code: str, entry_point: str) -> FunctionContract | None:
    """The contract that the declared types state; `object` and `var` state nothing."""
    return declared_contract(code, entry_point, _read_type)


def _files(code: str, entry_point: str, signature: Signature) -> dict[str, str]:
    """Usings first, bare methods put into a class `Solution`; line numbers stay."""
    _TYPES.check(signature)
    own = " ".join(line.strip() for line in _USING.findall(code))
    body = _USING.sub("", code)
    wrapped = f"class Solution {{ {body}\n}}" if _has_bare_methods(body) else body
    return {"solution.cs": f"{_GIVEN}{own} {wrapped}"}


def _has_bare_methods(body: str) -> bool:
    """Whether there are methods outside types, or no types at all."""
    declared = outside_braces(_DIRECTIVE.sub("", body))
    bare = [text for text in declared if not _TYPE.match(text)]
    return len(bare) == len(declared) or any("(" in text for text in bare)


_GUARD = """using System; using System.Diagnostics; using System.Reflection;
using System.Runtime.InteropServices;
static class CodemillScript {
    sealed class Failing : TraceListener {
        public override void Write(string text) {}
        public override void WriteLine(string text) {}
        public override void Fail(string text) { Fail(text, ""); }
        public override void Fail(string text, string more) {
            throw new Exception("Assertion failed: " + text + " " + more);
        }
    }
    [DllImport("libc")] static extern IntPtr write(int descriptor, byte[] data, IntPtr count);
    static int Main(string[] words) {
        Failing failing = new Failing();
        Debug.Listeners.Clear();
        Debug.Listeners.Add(failing);
        int ran = 0;
        foreach (Type type in typeof(CodemillScript).Assembly.GetTypes()) {
            BindingFlags own = BindingFlags.Static | BindingFlags.DeclaredOnly
                | BindingFlags.Public | BindingFlags.NonPublic;
            MethodInfo main = type == typeof(CodemillScript) ? null : type.GetMethod("Main", own);
            if (main == null) continue;
            bool bare = main.GetParameters().Length == 0;
            object result = main.Invoke(null, bare ? new object[0] : new object[] { words });
            if (result is System.Threading.Tasks.Task) ((System.Threading.Tasks.Task)result).Wait();
            if (result is int && (int)result != 0) return (int)result;
            ran++;
        }
        if (ran == 0) throw new Exception("the script defines no Main");
        if (!Debug.Listeners.Contains(failing))
            throw new Exception("the program took the listener away that fails");
        byte[] mark = System.Text.Encoding.ASCII.GetBytes(MARK);
        return (int)write(3, mark, (IntPtr)mark.Length) == mark.Length ? 0 : 1;
    }
}
"""
"""Wraps the script's `Main`. Without our own listener, a failed `Debug.Assert` would go unnoticed."""


def _script(code: str, script: str, mark: str) -> dict[str, str]:
    return {"main.cs": f"{code}\n{script}\n", "guard.cs": _GUARD.replace("MARK", mark)}


_OUT_OF_MEMORY = "System.OutOfMemoryException"

LANGUAGE = Language(
    name="csharp",
    aliases=("c#", "cs", "dotnet"),
    file_name="main.cs",
    tools=("mono", "mcs"),
    install=(
        "apt-get install -y mono-mcs mono-runtime libmono-system-core4.0-cil libmono-system-numerics4.0-cil"
    ),
    grammar="csharp",
    display_name="C#",
    environment={
        "MONO_DISABLE_SHM": "1",
        "MONO_DEBUG": "no-gdb-backtrace",
    },  # else a crash starts a debugger, with a forbidden call
    paths=("/etc/mono",),
    compile_command=("{mcs}", *_LIBRARY, "-optimize+", "-out:main.exe", "main.cs"),
    comment_signs=("//",),
    run_command=("{mono}", "main.exe"),
    runtime_mb=64,
    runtime_threads=16,
    runtime_stack_mb=56,
    data_limit=False,
    script=Script(
        files=_script, extra_compile_args=("guard.cs", "-main:CodemillScript", "-d:DEBUG", "-d:TRACE")
    ),
    driver=Driver(
        files=_files,
        optional=True,
        shared={
            "driver.cs": read_source("csharp/driver.cs"),
            "compiler.cs": read_source("csharp/compiler.cs"),
        },
        shared_commands=(
            ("{mcs}", "-nologo", "-optimize+", "-out:driver.exe", "driver.cs"),
            ("{mcs}", "-nologo", "-optimize+", "-out:compiler.exe", "compiler.cs"),
            (
                "/bin/sh",
                "-c",
                '"$0" --aot driver.exe || :',
                "{mono}",
            ),  # saves 2 ms per start; it needs an assembler
        ),
        compile_command=(
            "{mcs}",
            *_LIBRARY,
            "-optimize+",
            "-target:library",
            "-out:program.dll",
            "solution.cs",
        ),
        compile_server=(
            "{mono}",
            "--gc-params=nursery-size=1m",
            "{shared}/compiler.exe",
            "-nologo",
            "-warn:0",
            "-optimize+",
        ),
        run_command=("{mono}", "{shared}/driver.exe", "{stack_mb}"),
    ),
    render_signature=render_signature,
    find_signature=find_signature,
    failures=FailureWords(
        out_of_memory=(_OUT_OF_MEMORY,),
        fatal_out_of_memory=(_OUT_OF_MEMORY,),
        uncaught=("^Unhandled [Ee]xception[:.]",),
    ),
    gold=GOLD,
    hello=HELLO,
    stubs=STUBS,
    samples=SAMPLES,
)
