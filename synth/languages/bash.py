"""Bash: stdin/stdout programs and scripts; no driver for typed calls yet."""

from synth.languages.conformance import ConformancePrograms, Controls, ScriptPrograms, Stub
from synth.languages.spec import Language, Script
from synth.languages.support.scripts import appended

LANGUAGE = Language(
    name="bash",
    aliases=("sh", "shell"),
    file_name="main.sh",
    tools=("bash",),
    install="apt-get install -y bash",
    grammar="bash",
    comment_signs=("#",),
    run_command=("{bash}", "main.sh"),
    script=Script(files=appended("main.sh", "builtin printf MARK >&3")),
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
            early="VALUE;",
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
        ),
    ),
)
