"""F# by the .NET SDK's interactive compiler: stdin/stdout programs."""

from synth.languages.spec import Language, Samples

LANGUAGE = Language(
    name="fsharp",
    aliases=("f#", "fs"),
    file_name="main.fsx",
    tools=("dotnet",),
    install="brew install dotnet",
    grammar="fsharp",
    written="F#",
    environment={"DOTNET_CLI_TELEMETRY_OPTOUT": "1", "DOTNET_NOLOGO": "1", "DOTNET_SYSTEM_GLOBALIZATION_INVARIANT": "1"},
    run_command=("{dotnet}", "fsi", "--quiet", "--exec", "main.fsx"),
    runtime_mb=512,
    runtime_threads=64,
    data_limit=False,
    hello="""let total = stdin.ReadLine().Split(' ') |> Array.sumBy int64
printfn "%d" total
""",
    samples=Samples(
        wrong='printfn "5"\n',
        hanging="while true do ()\n",
        crashing='failwith "no"\n',
        broken="let total = (\n",
    ),
)
