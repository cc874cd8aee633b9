"""Script mode of each language: a program and its test script as one process, and a mark that is written when
its end is reached.

Place in the flow: a language names its constant from here; `execution/runner.py` makes the files and looks
for the mark. The one rule: the mark is written only by what stands after the script or around it, so an early
exit of any kind, exit code 0 included, leaves it out. `MARK` stands for its text in double quotes, to be
written to descriptor 3 (opening /dev/fd/3 by name needs rights on the pipe).
"""

import ast
import json
import re
from collections.abc import Callable, Mapping
from typing import Final

from synth.languages.spec import Script
from synth.languages.support.declarations import enclosing

Files = Callable[[str, str, str], Mapping[str, str]]


def appended(file_name: str, ending: str) -> Files:
    """For languages that run a file from top to bottom: program, script, ending."""
    return lambda code, script, mark: {file_name: f"{code}\n{script}\n{ending.replace('MARK', mark)}\n"}


def imports_first(text: str, pattern: str) -> str:
    """The lines that match go to the top, for languages that take imports nowhere else: a script may bring
    its own."""
    found = re.compile(rf"^[ \t]*(?:{pattern})[^\n]*$", re.MULTILINE)
    return "".join(f"{line.strip()}\n" for line in found.findall(text)) + found.sub("", text)


def last_in_script(pattern: re.Pattern[str], code: str, text: str) -> re.Match[str] | None:
    """The last match in `text` (program and script) that begins after the program: a program may have a
    `main` of its own, which tests nothing."""
    return next(
        (found for found in reversed(list(pattern.finditer(text))) if found.start() >= len(code)), None
    )


def without_exit(script: str, *ways: str) -> str:
    """An exit that the script itself ends with is left out: nothing can follow it."""
    return re.sub(rf"(?<![\w.$])(?:{'|'.join(ways)})\s*\Z", "", script, flags=re.IGNORECASE)


BASH = Script(files=appended("main.sh", "builtin printf MARK >&3"))
LUA = Script(files=appended("main.lua", ";os.execute('printf MARK >&3')"))
PERL = Script(
    files=appended(
        "main.pl", ';open(my $codemill, ">&=", 3) or die $!; print {$codemill} MARK; close($codemill);'
    )
)
JAVASCRIPT = Script(
    files=appended("main.js", ";process.once('beforeExit', () => require('fs').writeSync(3, MARK))")
)
"""When node has nothing left to do, so that asynchronous tests have run; `process.exit` does not get
there."""


# --- Python ---


def _driven_python(code: str, script: str, end: str) -> str:
    """From the script on the module is the main one, as test scripts expect it. A program that does not parse
    gets no script: a quote that it leaves open would be closed by the script's first one."""
    try:
        ast.parse(code)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return code
    return f"{code}\n__name__ = '__main__'\n{script}\ndef {end}():\n    return True\n"


PYTHON = Script(driver_program=_driven_python)


# --- Ruby: test cases of test/unit and minitest would run after the end of the file, so they are run before
# the mark

_RUBY_ENDING = """
if defined?(Test::Unit::AutoRunner)
  Test::Unit::AutoRunner.need_auto_run = false
  exit!(1) unless Test::Unit::AutoRunner.run
end
exit!(1) if defined?(Minitest) && Minitest.respond_to?(:run) && !Minitest.run([])
IO.for_fd(3, "w").tap { |channel| channel.write(MARK) }.flush"""

RUBY = Script(files=appended("main.rb", _RUBY_ENDING), run_command=("{ruby}", "main.rb"))


# --- PHP ---


def _php(code: str, script: str, mark: str) -> Mapping[str, str]:
    """The ending stands in PHP mode, whatever mode the script ends in."""
    text = f"{code if '<?' in code else f'<?php {code}'}\n{script}\n"
    opening = "<?php " if text.rfind("?>") > text.rfind("<?") else ""
    return {"main.php": f'{text}{opening}fwrite(fopen("php://fd/3", "w"), {mark});\n'}


PHP = Script(files=_php)


# --- TypeScript: hidden from the type checker, which may or may not know node's own functions ---


def _typescript(code: str, script: str, mark: str) -> Mapping[str, str]:
    ending = f"process.once('beforeExit', () => require('fs').writeSync(3, {mark}))"
    return {"main.ts": f"{code}\n{script}\n;eval({json.dumps(ending)})\n"}


TYPESCRIPT = Script(files=_typescript)


# --- C, C++, Rust: a guard around `main`, whatever its form, by a linker option ---

WRAP_MAIN: Final = "-Wl,--wrap=main"
GUARD_C: Final = """int __real_main(int, char **, char **);
long write(int, const void *, unsigned long);
int __wrap_main(int count, char **words, char **environment) {
    int status = __real_main(count, words, environment);
    static const char mark[] = MARK;
    if (status == 0) write(3, mark, sizeof mark - 1);
    return status;
}
"""
_RUST_TEST = re.compile(r"#\[test\]\s*(?:pub\s+)?fn\s+(\w+)")


def _with_asserts(code: str, script: str) -> str:
    """A program that switches `assert` off does so for itself only."""
    return f"#include <assert.h>\n#line 1\n{code}\n#undef NDEBUG\n#include <assert.h>\n{script}\n"


def _c(code: str, script: str, mark: str) -> Mapping[str, str]:
    return {"main.c": _with_asserts(code, script), "guard.c": GUARD_C.replace("MARK", mark)}


def _cpp(code: str, script: str, mark: str) -> Mapping[str, str]:
    return {
        "main.cpp": _with_asserts(code, script),
        "guard.cpp": f'extern "C" {{\n{GUARD_C.replace("MARK", mark)}}}\n',
    }


def _rust(code: str, script: str, mark: str) -> Mapping[str, str]:
    """Where the script has test functions and no `main`, a `main` calls them."""
    text = f"{code}\n{script}\n"
    tests = list(_RUST_TEST.finditer(text))
    if tests and not re.search(r"\bfn\s+main\s*\(", text):
        modules = [enclosing(text, r"\bmod\s+(\w+)\s*(?=\{)", test.start()) for test in tests]
        calls = "".join(
            f"{f'{module}::' if module else ''}{test[1]}(); "
            for module, test in zip(modules, tests, strict=True)
        )
        text = _RUST_TEST.sub(r"pub fn \1", text).replace("#[cfg(test)]", "") + f"fn main() {{ {calls}}}\n"
    return {"main.rs": text, "guard.c": GUARD_C.replace("MARK", mark)}


C = Script(files=_c, extra_compile_args=("guard.c", WRAP_MAIN))
CPP = Script(files=_cpp, extra_compile_args=("guard.cpp", WRAP_MAIN))
RUST = Script(files=_rust, extra_compile_args=("-C", f"link-args={WRAP_MAIN} guard.c"))


# --- Go: the script's `main`, or its test functions ---

_GO_TEST = re.compile(r"^func\s+(Test\w*)\s*\(\s*\w+\s+\*testing\.T\s*\)", re.MULTILINE)
_GO_MAIN = re.compile(r"^func\s+main\s*\(\s*\)", re.MULTILINE)
_GO_PACKAGE = re.compile(r"^package\s+\w+", re.MULTILINE)
_GO_AFTER_MAIN = """package main

import "os"

func main() {
	codemillScript()
	os.NewFile(3, "").WriteString(MARK)
}
"""
_GO_AFTER_TESTS = """package main

import (
	"os"
	"testing"
)

var codemillPassed int

func codemillCount(test func(*testing.T)) func(*testing.T) {
	return func(t *testing.T) {
		test(t)
		if !t.Failed() {
			codemillPassed++
		}
	}
}

func codemillMark(*testing.T) {
	if codemillPassed == COUNT {
		os.NewFile(3, "").WriteString(MARK)
	}
}

func main() {
	tests := []testing.InternalTest{TESTS{"mark", codemillMark}}
	testing.Main(func(string, string) (bool, error) { return true, nil }, tests, nil, nil)
}
"""


def _go(code: str, script: str, mark: str) -> Mapping[str, str]:
    tests = _GO_TEST.findall(script)
    text = _GO_PACKAGE.sub(
        "package main", _GO_MAIN.sub("func codemillScript()", f"{code}\n{script}\n"), count=1
    )
    rows = "".join(f'{{"{name}", codemillCount({name})}}, ' for name in tests)
    guard = (
        _GO_AFTER_TESTS.replace("TESTS", rows).replace("COUNT", str(len(tests))) if tests else _GO_AFTER_MAIN
    )
    return {"main.go": text, "guard.go": guard.replace("MARK", mark)}


GO = Script(files=_go, extra_compile_args=("guard.go",))


# --- Java: a class that calls the script's `main` (why it writes so: the comment in java/Driver.java)

_JAVA_END = """
class CodemillScript {
    public static void main(String[] words) throws Throwable {
        MAIN.main(words);
        java.lang.reflect.Field field = sun.misc.Unsafe.class.getDeclaredField("theUnsafe");
        field.setAccessible(true);
        sun.misc.Unsafe unsafe = (sun.misc.Unsafe) field.get(null);
        java.io.FileDescriptor channel = new java.io.FileDescriptor();
        unsafe.putInt(channel, unsafe.objectFieldOffset(java.io.FileDescriptor.class.getDeclaredField("fd")), 3);
        new java.io.FileOutputStream(channel).write(MARK.getBytes());
    }
}
"""
_JAVA_MAIN = re.compile(r"\bstatic\s+(?:final\s+)?(?:public\s+)?void\s+main\s*\(")
_JAVA_PACKAGE = re.compile(r"^\s*package\s[^;\n]*;", re.MULTILINE)
_JAVA_PUBLIC = re.compile(
    r"^\s*public\s+(?:final\s+|abstract\s+)*(?:class|interface|enum|record)\s+(\w+)", re.MULTILINE
)


def _java(code: str, script: str, mark: str) -> Mapping[str, str]:
    code = _JAVA_PACKAGE.sub("", code)
    text = f"{code}\n{_JAVA_PACKAGE.sub('', script)}\n"
    main = last_in_script(_JAVA_MAIN, code, text)
    owner = enclosing(text, r"\b(?:class|enum|interface|record)\s+(\w+)", main.start()) if main else None
    public = _JAVA_PUBLIC.search(text)
    end = _JAVA_END.replace("MAIN", owner or "TheScriptHasNoMain").replace("MARK", mark)
    return {f"{public[1] if public else 'Main'}.java": text + end}


JAVA = Script(files=_java)
"""Its main class is `CodemillScript`."""
