"""PowerShell: stdin/stdout programs."""

from synth.languages.spec import Language, Samples

LANGUAGE = Language(
    name="powershell",
    aliases=("pwsh", "ps1"),
    file_name="main.ps1",
    tools=("pwsh",),
    install="brew install powershell",
    grammar="powershell",
    written="PowerShell",
    environment={"POWERSHELL_TELEMETRY_OPTOUT": "1", "DOTNET_SYSTEM_GLOBALIZATION_INVARIANT": "1"},
    run_command=("{pwsh}", "-NoLogo", "-NoProfile", "-NonInteractive", "-File", "main.ps1"),
    runtime_mb=512,
    runtime_threads=64,
    data_limit=False,
    hello="""$total = 0
foreach ($word in [Console]::In.ReadLine().Split(' ')) { $total += [long]$word }
Write-Output $total
""",
    samples=Samples(
        wrong="Write-Output 5\n",
        hanging="while ($true) { }\n",
        crashing="throw 'no'\n",
        broken="Write-Output (5\n",
    ),
)
