"""Visual Basic by the .NET SDK's compiler: stdin/stdout programs. The SDK is found from the
location of `dotnet`."""

from synth.languages.conformance import ConformancePrograms, ScriptPrograms
from synth.languages.spec import Language, Script
from synth.languages.support import dotnet

_IMPORTS = (
    "System,System.Collections.Generic,System.Diagnostics,System.Linq,System.Threading.Tasks,"
    "Microsoft.VisualBasic"
)
"""The settings that the SDK's own projects give to each file."""

_FLAGS = (
    "-nologo -out:program.dll -nowarn -optimize+ -optioninfer+ -nostdlib -noconfig -nosdkpath "
    '-sdkpath:"$references" '
    '-vbruntime:"$references/Microsoft.VisualBasic.Core.dll" '
    f"""-imports:{_IMPORTS} '-define:_MyType="Empty"'"""
)
_COMPILE = dotnet.compile_command(_FLAGS, "Roslyn/bincore/vbc.dll")

_GUARD = """Imports System.Reflection
Imports System.IO
Friend Module CodemillScript
    Private NotInheritable Class Failing
        Inherits TraceListener
        Public Overrides Sub Write(text As String)
        End Sub
        Public Overrides Sub WriteLine(text As String)
        End Sub
        Public Overrides Sub Fail(text As String, more As String)
            Environment.FailFast("Assertion failed: " & text & " " & more)
        End Sub
    End Class
    Public Function Main(words As String()) As Integer
        Dim failing As New Failing()
        Trace.Listeners.Clear()
        Trace.Listeners.Add(failing)
        Dim ran As Integer = 0
        Dim seen = BindingFlags.Public Or BindingFlags.NonPublic Or BindingFlags.IgnoreCase
        Dim own = BindingFlags.Static Or BindingFlags.DeclaredOnly Or seen
        For Each kind As Type In GetType(CodemillScript).Assembly.GetTypes()
            If kind Is GetType(CodemillScript) Then Continue For
            Dim start As MethodInfo = kind.GetMethod("Main", own)
            If start Is Nothing Then Continue For
            Dim bare As Boolean = start.GetParameters().Length = 0
            Dim result As Object = start.Invoke(Nothing, If(bare, Nothing, New Object() {words}))
            If TypeOf result Is Integer AndAlso CInt(result) <> 0 Then Return CInt(result)
            ran += 1
        Next
        If ran = 0 Then Throw New Exception("the script defines no Main")
        If Environment.ExitCode <> 0 OrElse Not Trace.Listeners.Contains(failing) Then Return 1
        Dim mark As Byte() = System.Text.Encoding.ASCII.GetBytes(MARK)
        Dim handle As New Microsoft.Win32.SafeHandles.SafeFileHandle(New IntPtr(3), False)
        Using channel As New FileStream(handle, FileAccess.Write)
            channel.Write(mark, 0, mark.Length)
        End Using
        Return 0
    End Function
End Module
"""
"""Wraps the script's `Main`. A listener, which must still be there at the end, lets a failed `Debug.Assert`
end the process."""


def _script(code: str, script: str, mark: str) -> dict[str, str]:
    text = mark.replace("\\n", '" & vbLf & "')
    return {"main.vb": f"{code}\n{script}\n", "guard.vb": _GUARD.replace("(MARK)", f"({text})")}


LANGUAGE = Language(
    name="visualbasic",
    aliases=("vb", "vb.net", "visual basic"),
    file_name="main.vb",
    tools=dotnet.TOOLS,
    version_arguments=dotnet.VERSION,
    install=dotnet.INSTALL,
    display_name="Visual Basic",
    environment=dotnet.ENVIRONMENT,
    compile_command=(*_COMPILE, "main.vb"),
    run_command=dotnet.RUN,
    script=Script(
        files=_script,
        extra_compile_args=("guard.vb", "-main:CodemillScript", "-define:DEBUG=TRUE,TRACE=TRUE"),
    ),
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
    samples=ConformancePrograms(
        wrong=(
            "Module Program\n    Sub Main()\n        System.Console.WriteLine(5)\n    End Sub\nEnd Module\n"
        ),
        hanging=(
            "Module Program\n    Sub Main()\n        While True\n        End While\n    End Sub\nEnd Module\n"
        ),
        crashing="""Module Program
    Sub Main()
        Throw New System.Exception("no")
    End Sub
End Module
""",
        broken="Module Program\n    Sub Main(\n",
        refused="Module Program\n    Sub Main()\n        Nowhere()\n    End Sub\nEnd Module\n",
        script=ScriptPrograms(
            right="""Module Numbers
Function Twice(ByVal x As Integer) As Integer
Return x + x
""",
            wrong="""Module Numbers
Function Twice(ByVal x As Integer) As Integer
Return x * x * x
""",
            script="""End Function
Sub Check(ByVal candidate As Func(Of Integer, Integer))
Debug.Assert(candidate(3) = 6)
Debug.Assert(New List(Of Integer) From {candidate(0)}.Sum() = 0)
End Sub
Sub Main()
Check(AddressOf Twice)
End Sub
End Module
""",
            leaving=(
                """Module Numbers
Function Twice(ByVal x As Integer) As Integer
Environment.Exit(0)
Return x
""",
                """Module Other
Sub Main()
Environment.Exit(0)
End Sub
End Module
Module Numbers
Function Twice(ByVal x As Integer) As Integer
Return x + x
""",
            ),
            hiding="""Module Numbers
Function Twice(ByVal x As Integer) As Integer
Trace.Listeners.Clear()
Return x * x * x
""",
            forms={
                "a main with a result": (
                    """Imports System.Text
Module Sums
Function Twice(x As Integer) As Integer
Return x + x
End Function
""",
                    """Function Main(words As String()) As Integer
Return If(Twice(3) = 6, 0, 1)
End Function
End Module
""",
                )
            },
        ),
    ),
)
