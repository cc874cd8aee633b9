"""How the languages write programs that no suite may accept: a stub, an early exit, PASS on stdout, an object
equal to everything.

Place in the flow: a language names its constant from here; `execution/controls.py` makes the programs. The
one rule: each text compiles and does what it says, for a control that never runs tests nothing
(`tests/execution/test_controls.py` sees to that).
"""

from synth.languages.spec import Controls

PYTHON = Controls(
    body=":\n    STATEMENT\n    return VALUE\n",
    zero={
        "int": "0",
        "float": "0.0",
        "bool": "False",
        "str": "''",
        "list": "[]",
        "map": "{}",
        "tuple": "()",
        "": "None",
    },
    nothing="None",
    equal=(
        "class Equal:\n    def __eq__(self, other): return True\n    def __hash__(self): return 0\n",
        "Equal()",
    ),
    exit="raise SystemExit(0)",
    shout="print('PASS')",
)
RUBY = Controls(
    body="\n  STATEMENT\n  VALUE\nend\n",
    zero={
        "int": "0",
        "float": "0.0",
        "bool": "false",
        "str": "''",
        "list": "[]",
        "map": "{}",
        "tuple": "[]",
        "": "nil",
    },
    nothing="nil",
    equal=(
        "class Equal\n  def ==(other) = true\n  def eql?(other) = true\n  def hash = 0\nend\n",
        "Equal.new",
    ),
    exit="exit(0)",
    shout="puts 'PASS'",
)
_ECMA_ZERO = {
    "int": "0",
    "float": "0",
    "bool": "false",
    "str": "''",
    "list": "[]",
    "map": "{}",
    "tuple": "[]",
    "": "null",
}
JAVASCRIPT = Controls(
    body=" {\n  STATEMENT\n  return VALUE;\n}\n",
    zero=_ECMA_ZERO,
    nothing="null",
    equal=(
        (
            "class Equal {\n  valueOf() { return true; }\n  toString() { return ''; }\n  equals() { return "
            "true; }\n}\n"
        ),
        "new Equal()",
    ),
    exit="process.exit(0);",
    shout="console.log('PASS');",
)
TYPESCRIPT = Controls(
    body=" {\n  STATEMENT\n  return VALUE as any;\n}\n",
    zero=_ECMA_ZERO,
    nothing="null",
    equal=(
        (
            "class Equal {\n  valueOf() { return true; }\n  toString() { return ''; }\n  equals() { return "
            "true; }\n}\n"
        ),
        "new Equal()",
    ),
    exit="process.exit(0);",
    shout="console.log('PASS');",
)
PHP = Controls(
    body=" {\n    STATEMENT\n    return VALUE;\n}\n",
    zero={
        "int": "0",
        "float": "0.0",
        "bool": "false",
        "str": "''",
        "list": "[]",
        "map": "[]",
        "tuple": "[]",
        "": "null",
    },
    argument="$x",
    exit="exit(0);",
    shout='echo "PASS\\n";',
    program="<?php STATEMENT",
    part="<?php STATEMENT",
)
JAVA = Controls(
    body=" {\n    if (true) { STATEMENT }\n    return VALUE;\n}\n",
    zero={
        "int": "0",
        "float": "0",
        "bool": "false",
        "str": '""',
        "list": "List.of()",
        "map": "Map.of()",
        "tuple": "List.of()",
        "": "null",
    },
    exit="System.exit(0);",
    shout='System.out.println("PASS");',
    program="public class Main { public static void main(String[] words) { STATEMENT } }",
    part="",
)
CPP = Controls(
    body=" {\n    STATEMENT\n    return VALUE;\n}\n",
    before="#include <cstdio>\n#include <cstdlib>\n",
    zero={"": "{}"},
    exit="exit(0);",
    shout='puts("PASS");',
    program="int main() { STATEMENT }",
    part="__attribute__((constructor)) static void early() { STATEMENT }",
)
C = Controls(
    body=" {\n    STATEMENT\n    return VALUE;\n}\n",
    before="#include <stdio.h>\n#include <stdlib.h>\n",
    zero={"str": '""', "null": "", "": "0"},
    exit="exit(0);",
    shout='puts("PASS");',
    program="int main(void) { STATEMENT return 0; }",
    part="__attribute__((constructor)) static void early(void) { STATEMENT }",
)
GO = Controls(
    body=" {\n\tSTATEMENT\n\treturn VALUE\n}\n",
    before='package main\n\nimport (\n\t"fmt"\n\t"os"\n)\n\nvar _, _ = fmt.Println, os.Exit\n\n',
    zero={"int": "0", "float": "0", "bool": "false", "str": '""', "": "nil"},
    exit="os.Exit(0)",
    shout='fmt.Println("PASS")',
    program="func main() { STATEMENT }",
    part="func init() { STATEMENT }",
)
RUST = Controls(
    body=" {\n    STATEMENT\n    VALUE\n}\n",
    zero={"": "Default::default()"},
    exit="std::process::exit(0);",
    shout='println!("PASS");',
    program="fn main() { STATEMENT }",
    part=(
        '#[used] #[link_section = ".init_array"] static EARLY: extern "C" fn() = early;\nextern "C" fn '
        "early() { STATEMENT }"
    ),
)
PERL = Controls(
    body="\n    STATEMENT\n    return VALUE;\n}\n",
    zero={
        "int": "0",
        "float": "0",
        "bool": "0",
        "str": "''",
        "list": "[]",
        "map": "{}",
        "tuple": "[]",
        "": "undef",
    },
    nothing="undef",
    argument="$x",
    exit="exit(0);",
    shout='print "PASS\\n";',
)
LUA = Controls(
    body="\n  STATEMENT\n  return VALUE\nend\n",
    zero={
        "int": "0",
        "float": "0.0",
        "bool": "false",
        "str": "''",
        "list": "{}",
        "map": "{}",
        "tuple": "{}",
        "": "nil",
    },
    nothing="nil",
    equal=("local equal = setmetatable({}, { __eq = function() return true end })\n", "equal"),
    exit="os.exit(0)",
    shout="print('PASS')",
)
BASH = Controls(exit="exit 0", shout="echo PASS")
