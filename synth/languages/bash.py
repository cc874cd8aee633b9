"""Bash: stdin/stdout programs and scripts; no driver for typed calls yet."""

import re

from synth.languages.conformance import ConformancePrograms, Controls, ScriptPrograms, Stub
from synth.languages.spec import FailureWords, Language, Script

_GUARD = """codemill_failed() { local IFS=' ' at; \
for at in $1 $3; do case ' ASKED ' in *" $at "*) return 0 ;; esac; done; \
case $2 in '['* | 'test '* | '(('* | 'grep -q'* | 'cmp '* | 'diff '* | false) at='TESTS' ;; \
'return '*) at='CALLS' ;; *) return 0 ;; esac; \
case " $at " in *" $1 "*) builtin printf 'assertion failed: %s\\n' "$2" >&2; builtin exit 1 ;; esac; }
builtin set -E; builtin trap 'codemill_failed "$LINENO" "$BASH_COMMAND" "${BASH_LINENO[*]}"' ERR
"""
"""Ends the script where a command fails whose status nobody asks for: a bare test, or a call of one of the
script's own functions that returns a failure. Bash does not count conditions and parts of lists as such."""
_TEST = re.compile(
    r"(?:^|[\s;&|{(!])(?:\[\[?\s|test\s|grep -q|cmp\s|diff\s|false\b|\(\([^=\n]*(?:[=!<>]=|[<>])[^=\n]*\)\))"
)
_FUNCTION = re.compile(r"^[ \t]*(?:function[ \t]+([\w:-]+)|([\w:-]+)[ \t]*\([ \t]*\))", re.MULTILINE)


def _script(code: str, script: str, mark: str) -> dict[str, str]:
    """Lines of the script are told by their numbers from lines of the program, whose functions may return the
    status of a test."""
    lines = script.split("\n")
    own = tuple(f"{first or second}" for first, second in _FUNCTION.findall(script))
    calls = re.compile(rf"\s*(?:{'|'.join(map(re.escape, own))})(?:\s|$)") if own else None
    first = f"{code}\n{_GUARD}".count("\n") + 1
    numbers = {
        "ASKED": ["$?" in f"{line}{after}" for line, after in zip(lines, [*lines[1:], ""], strict=True)],
        "TESTS": [bool(_TEST.search(line)) for line in lines],
        "CALLS": [calls is not None and bool(calls.match(line)) for line in lines],
    }
    guard = _GUARD
    for name, chosen in numbers.items():
        guard = guard.replace(name, " ".join(str(first + at) for at, is_so in enumerate(chosen) if is_so))
    return {"main.sh": f"{code}\n{guard}{script}\nbuiltin printf {mark} >&3\n"}


LANGUAGE = Language(
    name="bash",
    aliases=("sh", "shell"),
    file_name="main.sh",
    tools=("bash",),
    install="apt-get install -y bash",
    grammar="bash",
    comment_signs=("#",),
    run_command=("{bash}", "main.sh"),
    script=Script(files=_script),
    failures=FailureWords(uncaught=(r"^main\.sh: ",)),
    hello="""read -r -a numbers
total=0
for number in "${numbers[@]}"; do
  total=$((total + number))
done
echo "$total"
""",
    controls=Controls(exit="exit 0", shout="echo PASS"),
    stubs=(
        Stub(
            head=r"^[ \t]*(?:function\s+)?(?P<name>[\w:-]+)\s*\(\)\s*\{",
            early=" VALUE;",
            untyped=(("echo 0; return 0", "echo 7919; return 1"),),
        ),
    ),
    samples=ConformancePrograms(
        wrong="echo 5\n",
        hanging="while :; do :; done\n",
        crashing="exit 3\n",
        broken="if true; then (\n",
        script=ScriptPrograms(
            right="twice() { echo $(($1 + $1)); }",
            wrong="twice() { echo $(($1 * $1 * $1)); }",
            script="""set -e
[[ $(twice 3) = 6 ]] || { echo "assertion failed" >&2; false; }
""",
            leaving=(
                "exit 0",
                "trap 'exit 0' EXIT; false; exit 1",
                "exec true",
            ),
            forms={
                "bare tests": (
                    "twice() { echo $(($1 + $1)); }\neven() { [ $(($1 % 2)) = 0 ]; }",
                    """even 3
[ $? = 1 ]
count=0
((count++))
[ "$(twice 3)" = 6 ]
[[ $(twice 0) = 0 ]]
""",
                ),
                "an arithmetic test": (
                    "twice() { echo $(($1 + $1)); }",
                    "(( $(twice 3) == 6 ))\n",
                ),
                "a test function": (
                    "twice() { echo $(($1 + $1)); }",
                    """same() {
  [ "$1" = "$2" ]
}
if same 1 2; then exit 1; fi
same "$(twice 3)" 6
""",
                ),
                "a test function that returns its failure": (
                    "twice() { echo $(($1 + $1)); }",
                    """same() {
  if [ "$1" != "$2" ]; then
    echo "assertion failed: $1, not $2" >&2
    return 1
  fi
}
same 1 2 || true
same "$(twice 3)" 6
echo done
""",
                ),
                "a search in the output": (
                    "twice() { echo $(($1 + $1)); }",
                    "twice 3 | grep -qx 6\necho done\n",
                ),
            },
        ),
    ),
)
