"""Swift: stdin/stdout programs."""

import re

from synth.languages.conformance import ConformancePrograms, ScriptPrograms
from synth.languages.spec import Language, Script
from synth.languages.support.scripts import last_in_script, without_exit

_MAIN = re.compile(r"@main\s+((?:final\s+)?(?:struct|class|enum|actor)\s+(\w+))")
_END = """
#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#endif
_ = MARK.withCString { write(3, $0, strlen($0)) }
"""


def _script(code: str, script: str, mark: str) -> dict[str, str]:
    """Statements of the main file run from top to bottom; our own statement starts a type marked as main."""
    text = f"{code}\n{without_exit(script, r'exit[(](?:0|EXIT_SUCCESS)[)]')}\n"
    main = last_in_script(_MAIN, code, text)
    plain = _MAIN.sub(r"\1", text)
    call = (
        f"{'try await' if re.search(r'func +main[(][)] +async', text) else 'try'} {main[2]}.main()\n"
        if main
        else ""
    )
    return {"main.swift": f"{plain}{call}{_END.replace('MARK', mark)}"}


LANGUAGE = Language(
    name="swift",
    file_name="main.swift",
    tools=("swiftc",),
    install="brew install swift",
    grammar="swift",
    compile_command=("{swiftc}", "-O", "-suppress-warnings", "-o", "program", "main.swift"),
    comment_signs=("//",),
    run_command=("./program",),
    script=Script(files=_script, extra_compile_args=("-Onone",)),
    runtime_mb=64,
    data_limit=False,
    hello="""let words = readLine()!.split(separator: " ")
print(words.map { Int($0)! }.reduce(0, +))
""",
    samples=ConformancePrograms(
        wrong="print(5)\n",
        hanging="while true {}\n",
        crashing='fatalError("no")\n',
        broken="print((5\n",
        refused="print(nothing)\n",
        script=ScriptPrograms(
            right="""func twice(_ x: Int) -> Int {
    return x + x
""",
            wrong="""func twice(_ x: Int) -> Int {
    return x * x * x
""",
            script="""}
assert(twice(3) == 6)
assert(twice(0) == 0)
""",
            leaving=(
                """import Foundation
func twice(_ x: Int) -> Int {
    exit(0)
""",
                """import Foundation
exit(0)
func twice(_ x: Int) -> Int {
    return x
""",
            ),
        ),
    ),
)
