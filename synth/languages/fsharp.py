"""F# by the .NET SDK's compiler: stdin/stdout programs. A program is a script file, so it may have statements
at top level."""

import re

from synth.languages.conformance import ConformancePrograms, ScriptPrograms
from synth.languages.spec import Language, Script
from synth.languages.support import dotnet
from synth.languages.support.scripts import last_in_script

_FLAGS = (
    "--nologo --noframework --simpleresolution --targetprofile:netcore --optimize+ --out:program.dll "
    '-r:"$(dirname "$compiler")/FSharp.Core.dll"'
)
_COMPILE = dotnet.compile_command(_FLAGS, "FSharp/fsc.exe", "FSharp/fsc.dll")

_BEFORE = """module CodemillBefore

type Failing() =
    inherit System.Diagnostics.TraceListener()
    override _.Write(_: string) = ()
    override _.WriteLine(_: string) = ()
    override _.Fail(text: string, more: string) =
        System.Environment.FailFast("Assertion failed: " + text + " " + more)

let failing = new Failing()
System.Diagnostics.Trace.Listeners.Clear()
System.Diagnostics.Trace.Listeners.Add failing |> ignore
"""
"""A listener, which must still be there at the end, lets a failed `assert` end the process. The first script
file runs first."""

_GUARD = """module CodemillGuard

open System
open System.IO
open System.Reflection

let started (words: string[]) =
    let starts =
        [ for kind in Assembly.GetExecutingAssembly().GetTypes() do
            let start = kind.GetMethod "codemillStart"
            if not (isNull start) then yield start.Invoke(null, [| box words |]) :?> int ]
    if starts.IsEmpty then Environment.ExitCode else starts.Head

[<EntryPoint>]
let codemillMain words =
    let status = started words
    let whole = System.Diagnostics.Trace.Listeners.Contains CodemillBefore.failing
    if status <> 0 || not whole then 1
    else
        let mark = Text.Encoding.ASCII.GetBytes MARK
        use handle = new Microsoft.Win32.SafeHandles.SafeFileHandle(nativeint 3, false)
        use channel = new FileStream(handle, FileAccess.Write)
        channel.Write(mark, 0, mark.Length)
        0
"""
"""Runs after the script's top-level statements."""

_ENTRY = re.compile(r"^([ \t]*)\[<\s*EntryPoint\s*>\](\s*let\s+(?:rec\s+)?(\w+))", re.MULTILINE)


def _script(code: str, script: str, mark: str) -> dict[str, str]:
    """Our own entry point, which must be the last declaration, calls the script's."""
    text = f"{code}\n{script}\n"
    entry = last_in_script(_ENTRY, code, text)
    start = f"{entry[1]}let codemillStart (words: string[]) : int = {entry[3]} words\n" if entry else ""
    return {
        "before.fsx": _BEFORE,
        "main.fsx": _ENTRY.sub(r"\1\2", text) + start,
        "guard.fs": _GUARD.replace("MARK", mark),
    }


LANGUAGE = Language(
    name="fsharp",
    aliases=("f#", "fs"),
    file_name="main.fsx",
    tools=dotnet.TOOLS,
    version_arguments=dotnet.VERSION,
    install=dotnet.INSTALL,
    grammar="fsharp",
    display_name="F#",
    environment=dotnet.ENVIRONMENT,
    compile_command=(*_COMPILE, "main.fsx"),
    run_command=dotnet.RUN,
    script=Script(
        files=_script,
        compile_command=(*_COMPILE, "--define:DEBUG", "--define:TRACE", "before.fsx", "main.fsx", "guard.fs"),
    ),
    runtime_mb=256,
    runtime_threads=64,
    data_limit=False,
    hello="""let total = stdin.ReadLine().Split(' ') |> Array.sumBy int64
printfn "%d" total
""",
    samples=ConformancePrograms(
        wrong='printfn "5"\n',
        hanging="while true do ()\n",
        crashing='failwith "no"\n',
        broken="let total = (\n",
        refused="let total: int = nothing\n",
        script=ScriptPrograms(
            right="let twice x = x + x\n",
            wrong="let twice x = x * x * x\n",
            script="""let test () =
    let candidate = twice
    assert (candidate 3 = 6)
    assert (candidate 0 = 0)
    0

test ()
""",
            leaving=(
                """exit 0
let twice (x: int) = x
""",
                "let twice (_: int) : int = exit 0\n",
                """System.AppDomain.CurrentDomain.UnhandledException.Add(fun _ -> exit 0)
let twice (_: int) : int = failwith "no"
""",
                "let twice x = x + x (*\n",
            ),
            hiding="""System.Diagnostics.Trace.Listeners.Clear()
let twice x = x * x * x
""",
            forms={
                "an entry point": (
                    """module Sums
let twice x = x + x
""",
                    """[<EntryPoint>]
let main argv =
    assert (twice 3 = 6)
    0
""",
                )
            },
        ),
    ),
)
