"""Go: stdin/stdout programs and scripts; no driver for typed calls yet."""

from synth.languages.scripting import GO
from synth.languages.spec import Language

LANGUAGE = Language(
    name="go",
    aliases=("golang",),
    file_name="main.go",
    tools=("go",),
    version_arguments=("version",),
    install="apt-get install -y golang-go",
    grammar="go",
    compile_command=("{go}", "build", "-o", "program", "main.go"),
    run_command=("./program",),
    runtime_mb=64,
    runtime_threads=32,
    data_limit=False,
    script=GO,
    hello="""package main

import "fmt"

func main() {
	var x, total int64
	for {
		if _, err := fmt.Scan(&x); err != nil {
			break
		}
		total += x
	}
	fmt.Println(total)
}
""",
)
