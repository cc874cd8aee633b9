"""PowerShell: stdin/stdout programs."""

from synth.languages.conformance import ConformancePrograms, ScriptPrograms
from synth.languages.spec import FailureWords, Language, Script
from synth.languages.support.scripts import without_exit

_END = """
$codemillBytes = [Text.Encoding]::ASCII.GetBytes(MARK)
$codemillHandle = [Microsoft.Win32.SafeHandles.SafeFileHandle]::new([IntPtr]3, $false)
$codemillChannel = [IO.FileStream]::new($codemillHandle, [IO.FileAccess]::Write)
$codemillChannel.Write($codemillBytes, 0, $codemillBytes.Length)
$codemillChannel.Flush()
"""


def _script(code: str, script: str, mark: str) -> dict[str, str]:
    """The script is one statement, so a trap in the program that resumes at the next statement skips the
    mark. Errors that would only be printed end the script."""
    end = _END.replace("MARK", mark.replace("\\n", "`n"))
    return {
        "main.ps1": (
            f"{code}\n. {{\n$ErrorActionPreference = 'Stop'\n{without_exit(script, 'exit(?: 0)?')}\n{end}}}\n"
        )
    }


LANGUAGE = Language(
    name="powershell",
    aliases=("pwsh", "ps1"),
    file_name="main.ps1",
    tools=("pwsh",),
    install="brew install powershell",
    grammar="powershell",
    display_name="PowerShell",
    environment={"POWERSHELL_TELEMETRY_OPTOUT": "1", "DOTNET_SYSTEM_GLOBALIZATION_INVARIANT": "1"},
    run_command=("{pwsh}", "-NoLogo", "-NoProfile", "-NonInteractive", "-File", "main.ps1"),
    script=Script(files=_script),
    runtime_mb=512,
    runtime_threads=64,
    data_limit=False,
    failures=FailureWords(uncaught=(r"^\S+: .*main\.ps1:\d+$",)),
    hello="""$total = 0
foreach ($word in [Console]::In.ReadLine().Split(' ')) { $total += [long]$word }
Write-Output $total
""",
    samples=ConformancePrograms(
        wrong="Write-Output 5\n",
        hanging="while ($true) { }\n",
        crashing="throw 'no'\n",
        broken="Write-Output (5\n",
        script=ScriptPrograms(
            right="function Get-Twice($x) { return $x + $x }",
            wrong="function Get-Twice($x) { return $x * $x * $x }",
            script="""function Test-Twice {
    if ((Get-Twice 3) -ne 6) { Write-Error 'assertion failed' }
}
Test-Twice
exit 0
""",
            leaving=(
                "exit 0",
                "function Get-Twice($x) { exit 0 }",
                "return",
                "<#",
            ),
            hiding="""trap { continue }
function Get-Twice($x) { throw 'no' }""",
        ),
    ),
)
