"""Two checkers in each language: one that ends by an exception that nobody catches, and one that refuses with
exit code 1. The one rule: both end by themselves, and only their words tell them apart."""

from collections.abc import Mapping
from typing import Final

PROGRAMS: Final[Mapping[str, tuple[str, str]]] = {
    "awk": (
        "BEGIN { print 1 / 0 }",
        'BEGIN { print "refused: main" > "/dev/stderr"; exit 1 }',
    ),
    "bash": (
        'set -eu\necho "$missing"\n',
        'echo "refused: line 3: not sorted" >&2\nexit 1\n',
    ),
    "c": (
        "#include <stdlib.h>\nint main(void) { abort(); }",
        '#include <stdio.h>\nint main(void) { fputs("refused\\n", stderr); return 1; }',
    ),
    "coffeescript": (
        'throw new Error "x"',
        'process.stderr.write "refused\\n"\nprocess.exit 1',
    ),
    "commonlisp": (
        '(error "x")',
        '(format *error-output* "refused~%")\n(sb-ext:exit :code 1)',
    ),
    "cpp": (
        '#include <stdexcept>\nint main() { throw std::runtime_error("x"); }',
        '#include <iostream>\nint main() { std::cerr << "refused\\n"; return 1; }',
    ),
    "crystal": (
        'raise "x"',
        'STDERR.puts "refused"\nexit 1',
    ),
    "csharp": (
        'class P { static void Main() { throw new System.Exception("x"); } }',
        'class P { static int Main() { System.Console.Error.WriteLine("refused"); return 1; } }',
    ),
    "d": (
        'void main() { throw new Exception("x"); }',
        'import std.stdio;\nint main() { stderr.writeln("refused"); return 1; }',
    ),
    "elisp": (
        '(error "x")',
        '(message "refused")\n(kill-emacs 1)',
    ),
    "elixir": (
        'raise "x"',
        'IO.puts(:stderr, "refused")\nSystem.halt(1)',
    ),
    "erlang": (
        "#!\nmain(_) -> error(x).",
        '#!\nmain(_) -> io:format(standard_error, "refused~n", []), halt(1).',
    ),
    "fortran": (
        'program p\ninteger, allocatable :: a(:)\nopen(9, file="none", status="old")\nend program',
        'program p\nwrite(0, *) "refused"\nstop 1\nend program',
    ),
    "go": (
        'package main\nfunc main() { panic("x") }',
        'package main\nimport ("fmt"; "os")\nfunc main() { fmt.Fprintln(os.Stderr, "refused"); os.Exit(1) }',
    ),
    "java": (
        'public class Main { public static void main(String[] a) { throw new RuntimeException("x"); } }',
        'public class Main { public static void main(String[] a) { System.err.println("refused");'
        " System.exit(1); } }",
    ),
    "javascript": (
        'throw new Error("x")',
        'console.error("refused"); process.exit(1)',
    ),
    "kotlin": (
        'fun main() { throw RuntimeException("x") }',
        'fun main() { System.err.println("refused"); kotlin.system.exitProcess(1) }',
    ),
    "lua": (
        'error("x")',
        'io.stderr:write("refused\\n") os.exit(1)',
    ),
    "nim": (
        'raise newException(ValueError, "x")',
        'stderr.writeLine("refused")\nquit(1)',
    ),
    "ocaml": (
        'let () = failwith "x"',
        'let () = prerr_endline "refused"; exit 1',
    ),
    "pascal": (
        "uses sysutils;\nbegin raise Exception.Create('x'); end.",
        "begin writeln(stderr, 'refused'); halt(1); end.",
    ),
    "perl": (
        'open my $file, "<", "none" or die "none: $!"',
        'print STDERR "refused\\n"; exit 1',
    ),
    "php": (
        '<?php throw new Exception("x");',
        '<?php fwrite(STDERR, "refused\\n"); exit(1);',
    ),
    "prolog": (
        ":- initialization(main).\nmain :- X is foo + 1, write(X).\n",
        ":- initialization(main).\nmain :- write(user_error, refused), halt(1).\n",
    ),
    "python": (
        'raise ValueError("x")',
        'import sys\nprint("refused", file=sys.stderr)\nsys.exit(1)',
    ),
    "r": (
        'stop("x")',
        'message("refused")\nquit(status = 1)',
    ),
    "ruby": (
        'raise "x"',
        'warn "refused"\nexit 1',
    ),
    "rust": (
        'fn main() -> Result<(), std::num::ParseIntError> { "x".parse::<i64>()?; Ok(()) }',
        'fn main() { eprintln!("refused"); std::process::exit(1) }',
    ),
    "scala": (
        'object Main { def main(a: Array[String]): Unit = { throw new RuntimeException("x") } }',
        'object Main { def main(a: Array[String]): Unit = { System.err.println("refused"); sys.exit(1) } }',
    ),
    "scheme": (
        '(error "x")',
        '(display "refused" (current-error-port)) (exit 1)',
    ),
    "sql": (
        "select * from missing;",
        ".exit 1",
    ),
    "tcl": (
        "error x",
        "puts stderr refused\nexit 1",
    ),
    "typescript": (
        'throw new Error("x")',
        'console.error("refused"); process.exit(1)',
    ),
    "vimscript": (
        'throw "x"',
        "cquit 1",
    ),
}
