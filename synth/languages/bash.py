"""Bash: stdin/stdout programs and scripts; no driver for typed calls yet."""

from synth.languages.scripting import BASH
from synth.languages.spec import Language

LANGUAGE = Language(
    name="bash",
    aliases=("sh", "shell"),
    file_name="main.sh",
    tools=("bash",),
    install="apt-get install -y bash",
    grammar="bash",
    run_command=("{bash}", "main.sh"),
    script=BASH,
    hello="""read -r -a numbers
total=0
for number in "${numbers[@]}"; do
  total=$((total + number))
done
echo "$total"
""",
)
