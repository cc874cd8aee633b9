"""Julia: stdin/stdout programs."""

from collections.abc import Mapping

from synth.languages.conformance import PARENTHESES, ConformancePrograms, ScriptPrograms, Stub
from synth.languages.spec import FailureWords, Language, Script
from synth.languages.support.scripts import appended, without_exit

_write = appended("main.jl", "ccall(:write, Int, (Int32, Ptr{UInt8}, UInt), 3, MARK, sizeof(MARK))")


def _script(code: str, script: str, mark: str) -> Mapping[str, str]:
    return _write(code, without_exit(script, r"exit\(0?\)"), mark)


LANGUAGE = Language(
    name="julia",
    aliases=("jl",),
    file_name="main.jl",
    tools=("julia",),
    install="brew install julia",
    grammar="julia",
    environment={"JULIA_NUM_THREADS": "1", "JULIA_DEPOT_PATH": "/tmp/julia"},
    run_command=("{julia}", "--startup-file=no", "--history-file=no", "--compiled-modules=no", "main.jl"),
    script=Script(files=_script),
    runtime_mb=512,
    runtime_threads=32,
    data_limit=False,
    failures=FailureWords(assertion=("Test Failed at ",), uncaught=("^ERROR: ",)),
    hello="""println(sum(parse.(Int, split(readline()))))
""",
    stubs=(
        Stub(
            head=r"^[ \t]*function\s+(?P<name>\w+!?)" + PARENTHESES + r"[^\n]*\n",
            early="return VALUE;",
            untyped=(("0", "7919"), ('""', '"codemill"'), ("[]", "[7919]")),
        ),
    ),
    samples=ConformancePrograms(
        wrong="println(5)\n",
        hanging="while true\nend\n",
        crashing='error("no")\n',
        broken="println((5\n",
        script=ScriptPrograms(
            right="""function twice(x)
    x + x
""",
            wrong="""function twice(x)
    x * x * x
""",
            script="""end
using Test
@testset begin
    @test(twice(3) == 6)
end
@assert twice(0) == 0
exit(0)
""",
            leaving=(
                """exit(0)
function twice(x)
""",
                """function twice(x)
    exit(0)
""",
                "#=\n",
            ),
        ),
    ),
)
