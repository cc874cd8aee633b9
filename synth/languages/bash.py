"""Bash: stdin/stdout programs and scripts; no driver for typed calls yet."""

from synth.languages.spec import ConformancePrograms, Language
from synth.languages.support import controls
from synth.languages.support.scripting import BASH

LANGUAGE = Language(
    name="bash",
    aliases=("sh", "shell"),
    file_name="main.sh",
    tools=("bash",),
    install="apt-get install -y bash",
    grammar="bash",
    run_command=("{bash}", "main.sh"),
    script=BASH,
    samples=ConformancePrograms(
        wrong="echo 5\n", hanging="while :; do :; done\n", crashing="exit 3\n", broken="if true; then (\n"
    ),
    controls=controls.BASH,
    hello="""read -r -a numbers
total=0
for number in "${numbers[@]}"; do
  total=$((total + number))
done
echo "$total"
""",
)
