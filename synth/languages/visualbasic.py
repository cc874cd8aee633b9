"""Visual Basic by the .NET SDK's compiler: stdin/stdout programs. The SDK is found from the place of `dotnet`."""

from synth.languages.spec import Language, Samples

_COMPILE = """root=$(dirname "$0")
for compiler in "$root"/sdk/*/Roslyn/bincore/vbc.dll; do :; done
for library in "$root"/shared/Microsoft.NETCore.App/*; do :; done
set -- -nologo -nowarn -nosdkpath -sdkpath:"$library" -vbruntime:"$library/Microsoft.VisualBasic.Core.dll" -out:program.dll
for name in System.Private.CoreLib System.Runtime System.Console System.Linq System.Collections System.Runtime.Extensions; do
  set -- "$@" -reference:"$library/$name.dll"
done
framework='"name":"Microsoft.NETCore.App","version":"'$(basename "$library")'"'
printf '%b' '\\0173"runtimeOptions":\\0173"framework":\\0173'"$framework"'\\0175\\0175\\0175' > program.runtimeconfig.json
exec "$0" exec "$compiler" "$@" main.vb
"""

LANGUAGE = Language(
    name="visualbasic",
    aliases=("vb", "vb.net", "visual basic"),
    file_name="main.vb",
    tools=("dotnet",),
    install="brew install dotnet",
    written="Visual Basic",
    environment={"DOTNET_CLI_TELEMETRY_OPTOUT": "1", "DOTNET_NOLOGO": "1", "DOTNET_SYSTEM_GLOBALIZATION_INVARIANT": "1"},
    compile_command=("/bin/sh", "-c", f"export DOTNET_SYSTEM_GLOBALIZATION_INVARIANT=1\n{_COMPILE}", "{dotnet}"),
    run_command=("{dotnet}", "exec", "program.dll"),
    runtime_mb=256,
    runtime_threads=64,
    data_limit=False,
    hello="""Imports System

Module Program
    Sub Main()
        Dim total As Long = 0
        For Each word As String In Console.ReadLine().Split(" "c)
            total += Long.Parse(word)
        Next
        Console.WriteLine(total)
    End Sub
End Module
""",
    samples=Samples(
        wrong="Module Program\n    Sub Main()\n        System.Console.WriteLine(5)\n    End Sub\nEnd Module\n",
        hanging="Module Program\n    Sub Main()\n        While True\n        End While\n    End Sub\nEnd Module\n",
        crashing='Module Program\n    Sub Main()\n        Throw New System.Exception("no")\n    End Sub\nEnd Module\n',
        broken="Module Program\n    Sub Main(\n",
        refused="Module Program\n    Sub Main()\n        Nowhere()\n    End Sub\nEnd Module\n",
    ),
)
