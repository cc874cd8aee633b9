# ruff: noqa: E501  # programs are data: one a line
"""Script mode in each language: a script counts when its end was reached, and by nothing else."""

from typing import Any, NamedTuple, TypeVar

import pytest

from synth.execution.local.sandbox import LocalSandbox
from synth.languages.registry import all_languages, get_language
from synth.records import Limits, Outcome
from synth.verify.answers import VerifyResult, make_answer
from synth.verify.rows import prepare, read_row
from tests.builders import Run
from tests.languages.toolchains import need

T = TypeVar("T")


class Sheet(NamedTuple):
    """Programs that define `twice`, one script that tests it, and programs that leave before the tests
    without computing anything."""

    right: str
    wrong: str
    script: str
    leaving: tuple[str, ...]


GO_HEAD = 'package main\n\nimport (\n\t"os"\n\t"testing"\n)\n\n'
SHEETS = {
    "python": Sheet(
        "def twice(x):\n    return x + x\n",
        "def twice(x):\n    return x * x * x\n",
        "def check(f):\n    assert f(3) == 6\n    assert f(0) == 0\nif __name__ == '__main__':\n    check(twice)\n",
        ("import sys\nsys.exit(0)\n", "import os\ndef twice(x):\n    os._exit(0)\n", "raise SystemExit\n", "print('OK')\n", "x = '''"),
    ),
    "javascript": Sheet(
        "function twice(x) { return x + x }",
        "function twice(x) { return x * x * x }",
        "const assert = require('assert');\nif (require.main === module) { assert.deepStrictEqual(twice(3), 6); setTimeout(() => assert.equal(twice(0), 0), 1) }",
        ("process.exit(0)", "function twice(x) { process.exit(0) }", "return", "process.on('uncaughtException', () => {}); throw 1"),
    ),
    "typescript": Sheet(
        "function twice(x: number): number { return x + x }",
        "function twice(x: number): number { return x * x * x }",
        "declare var require: any;\nconst assert = require('node:assert');\nassert.deepEqual(twice(3), 6);",
        (
            "declare var process: any; process.exit(0); function twice(x: number): number { return 0 }",
            "declare var process: any; process.on('uncaughtException', () => {}); function twice(x: number): number { throw 1 }",
        ),
    ),
    "java": Sheet(
        "class Problem {\n    static class Inner { }\n    static int twice(int x) { return x + x; }\n",
        "class Problem {\n    static int twice(int x) { return x * x * x; }\n",
        "    public static void main(String[] args) { assert(twice(3) == 6); assert(twice(0) == 0); }\n}\n",
        (
            "class Problem {\n    static int twice(int x) { System.exit(0); return 0; }\n",
            "class Problem {\n    static { Runtime.getRuntime().halt(0); }\n    static int twice(int x) { return 0; }\n",
        ),
    ),
    "c": Sheet(
        "int twice(int x) { return x + x; }",
        "#define NDEBUG\n#include <assert.h>\nint twice(int x) { return x * x * x; }",
        "int main() { assert(twice(3) == 6); assert(twice(0) == 0); return 0; }",
        ("#include <stdlib.h>\nint twice(int x) { exit(0); }", "#include <unistd.h>\n__attribute__((constructor)) void f() { _exit(0); } int twice(int x) { return 0; }"),
    ),
    "cpp": Sheet(
        "#include <vector>\nint twice(int x) { return x + x;",
        "#define NDEBUG\n#include <cassert>\nint twice(int x) { return x * x * x;",
        "}\nint main() { auto candidate = twice; assert(candidate(3) == 6); assert(candidate(0) == 0); }",
        ("#include <cstdlib>\nint twice(int x) { std::exit(0);", "#include <cstdlib>\nstruct S { S() { std::_Exit(0); } } s;\nint twice(int x) { return 0;"),
    ),
    "rust": Sheet(
        "fn twice(x: i64) -> i64 { x + x }",
        "fn twice(x: i64) -> i64 { x * x * x }",
        "fn main() { assert_eq!(twice(3), 6); assert_eq!(twice(0), 0); }",
        ("fn twice(x: i64) -> i64 { std::process::exit(0) }",),
    ),
    "go": Sheet(
        GO_HEAD + "var _ = os.Args\n\nfunc twice(x int) int { return x + x }\n",
        GO_HEAD + "var _ = os.Args\n\nfunc twice(x int) int { return x * x * x }\n",
        'func TestTwice(t *testing.T) {\n\tif twice(3) != 6 {\n\t\tt.Errorf("wrong")\n\t}\n}\n\nfunc TestZero(t *testing.T) {\n\tif twice(0) != 0 {\n\t\tt.Fatal("wrong")\n\t}\n}\n',
        (GO_HEAD + "func twice(x int) int { os.Exit(0); return 0 }\n", GO_HEAD + "func init() { os.Exit(0) }\n\nfunc twice(x int) int { return 0 }\n"),
    ),
    "php": Sheet(
        "<?php\nfunction twice($x) { return $x + $x; }",
        "<?php\nfunction twice($x) { return $x * $x * $x; }",
        "function test(): void { if (twice(3) !== 6) { throw new Exception('assertion failed'); } }\ntest();\n",
        ("<?php exit(0);", "<?php function twice($x) { exit(0); }", "<?php return; ?>", "<?php __halt_compiler();", "<?php set_exception_handler(function () {}); throw new Exception;"),
    ),
    "ruby": Sheet(
        "def twice(x)\n  x + x\nend",
        "def twice(x)\n  x * x * x\nend",
        "raise 'assertion failed' unless twice(3) == 6\n",
        ("exit 0", "def twice(x)\n  exit!(0)\nend", "__END__", "at_exit { exit!(0) }; raise 'x'"),
    ),
    "perl": Sheet(
        "sub twice { return $_[0] + $_[0] }",
        "sub twice { return $_[0] ** 3 }",
        "if (twice(3) == 6) { print 'ok!' } else { die 'assertion failed' }\n",
        ("exit 0;", "sub twice { exit 0 }", "__END__", "$SIG{__DIE__} = sub { exit 0 }; die;"),
    ),
    "lua": Sheet(
        "function twice(x) return x + x end",
        "function twice(x) return x * x * x end",
        "assert(twice(3) == 6)\nassert(twice(0) == 0)\n",
        ("os.exit(0)", "function twice(x) os.exit(true) end", "do return end"),
    ),
    "bash": Sheet(
        "twice() { echo $(($1 + $1)); }",
        "twice() { echo $(($1 * $1 * $1)); }",
        'set -e\n[[ $(twice 3) = 6 ]] || { echo "assertion failed" >&2; false; }\n',
        ("exit 0", "trap 'exit 0' EXIT; false; exit 1", "exec true"),
    ),
    "elixir": Sheet(
        "defmodule Solution do\n  def twice(x), do: x + x\nend\n",
        "defmodule Solution do\n  def twice(x), do: x * x * x\nend\n",
        'ExUnit.start()\n\ndefmodule TwiceTest do\n  use ExUnit.Case, async: true\n\n  test "twice" do\n    assert Solution.twice(3) == 6\n  end\nend\n',
        (
            "System.halt(0)\n",
            "defmodule Solution do\n  def twice(_), do: System.halt(0)\nend\n",
            "exit(:normal)\n",
            "defmodule Solution do\n  def twice(_), do: exit(:normal)\nend\n",
        ),
    ),
    "racket": Sheet(
        "#lang racket\n(define (twice x) (+ x x))\n",
        "#lang racket\n(define (twice x) (* x x x))\n",
        "(require rackunit)\n(check-equal? (twice 0) 0)\n(module+ test\n  (check-equal? (twice 3) 6))\n",
        ("#lang racket\n(exit 0)\n", "#lang racket\n(define (twice x) (exit 0))\n", "#lang racket\n(exit-handler void)\n(exit 1)\n", "#lang racket\n#|\n"),
    ),
    "commonlisp": Sheet(
        "(defun twice (x) (+ x x))",
        "(defun twice (x) (* x x x))",
        "(assert (= (twice 3) 6))\n(assert (= (twice 0) 0))\n",
        (
            "(sb-ext:exit :code 0)",
            "(defun twice (x) (declare (ignore x)) (sb-ext:exit :code 0 :abort t))",
            "(setf sb-ext:*invoke-debugger-hook* (lambda (c h) (declare (ignore c h)) (sb-ext:exit :code 0 :abort t)))",
            "#|",
        ),
    ),
    "scheme": Sheet(
        "(define (twice x) (+ x x))",
        "(define (twice x) (* x x x))",
        '(if (not (= (twice 3) 6)) (error "assertion failed" (twice 3)))\n',
        ("(exit 0)", "(define (twice x) (primitive-_exit 0))", "#|", "(define (error . words) (exit 0))\n(define (twice x) 0)"),
    ),
    "r": Sheet(
        "twice <- function(x) x + x",
        "twice <- function(x) x^3",
        "if (!identical(twice(3), 6)) stop('assertion failed')\n",
        ("quit(status = 0)", "twice <- function(x) quit(save = 'no', status = 0)", "options(error = quote(quit(status = 0)))\nstop('no')"),
    ),
    "tcl": Sheet(
        "proc twice {x} { expr {$x + $x} }",
        "proc twice {x} { expr {$x ** 3} }",
        'if {[twice 3] != 6} { error "assertion failed" }\n',
        ("exit 0", "proc twice {x} { exit 0 }", "return", "rename error {}; proc error {text} { exit 0 }\nproc twice {x} { return 0 }"),
    ),
    "octave": Sheet(
        "function y = twice (x)\n  y = x + x;\nend\n",
        "function y = twice (x)\n  y = x ^ 3;\nend\n",
        'if (twice (3) != 6) error ("assertion failed"); end\n',
        ("exit (0);", "function y = twice (x)\n  exit (0);\nend\n", "%{"),
    ),
    "elisp": Sheet(
        "(defun twice (x) (+ x x))",
        "(defun twice (x) (* x x x))",
        "(require 'cl-lib)\n(cl-assert (= (twice 3) 6))\n",
        ("(kill-emacs 0)", "(defun twice (x) (kill-emacs 0))", '(princ "'),
    ),
    "coffeescript": Sheet(
        "twice = (x) -> x + x",
        "twice = (x) -> x * x * x",
        "assert = require 'assert'\nassert.equal twice(3), 6\nsetTimeout (-> assert.equal twice(0), 0), 1\n",
        ("process.exit 0", "twice = (x) -> process.exit 0", "process.on 'uncaughtException', ->\nthrow 1", "return"),
    ),
    "ocaml": Sheet(
        "let twice x = x + x",
        "let twice x = x * x * x",
        "let () = assert (twice 3 = 6); assert (twice 0 = 0)\n",
        ("let () = exit 0", "let twice _ : int = exit 0", "let twice _ : int = Stdlib.do_at_exit (); Unix._exit 0"),
    ),
    "d": Sheet(
        "long twice(long x) { return x + x; }",
        "long twice(long x) { return x * x * x; }",
        "unittest { assert(twice(3) == 6); assert(twice(0) == 0); }\nvoid main() {}\n",
        (
            "import core.stdc.stdlib;\nlong twice(long x) { exit(0); return 0; }",
            "import core.stdc.stdlib;\nshared static this() { _Exit(0); }\nlong twice(long x) { return 0; }",
        ),
    ),
    "fortran": Sheet(
        "integer function twice(x)\n  integer :: x\n  twice = x + x\nend function\n",
        "integer function twice(x)\n  integer :: x\n  twice = x**3\nend function\n",
        "program test\n  integer, external :: twice\n  if (twice(3) /= 6) error stop 'assertion failed'\nend program\n",
        ("integer function twice(x)\n  integer :: x\n  twice = x\n  stop\nend function\n", "program first\nend program\n"),
    ),
    "nim": Sheet(
        "proc twice(x: int): int = x + x",
        "proc twice(x: int): int = x * x * x",
        'import std/unittest\ntest "twice":\n  check twice(3) == 6\ndoAssert twice(1) != 1, "assertion failed"\n',
        ("quit(0)", "proc twice(x: int): int = quit(0)"),
    ),
    "crystal": Sheet(
        "def twice(x)\n  x + x\nend\n",
        "def twice(x)\n  x * x * x\nend\n",
        'require "spec"\n\ndescribe "twice" do\n  it "doubles" do\n    twice(3).should eq 6\n  end\nend\n',
        ("exit 0", "def twice(x)\n  exit 0\n  x\nend\n", "at_exit { exit 0 }\nraise \"no\"\n"),
    ),
    "groovy": Sheet(
        "def twice(x) { x + x }",
        "def twice(x) { x * x * x }",
        "assert twice(3) == 6\nassert twice(0) == 0\n",
        ("System.exit(0)", "def twice(x) { System.exit(0) }", "return", "def twice(x) { Runtime.runtime.halt(0) }"),
    ),
    "clojure": Sheet(
        "(defn twice [x] (+ x x))",
        "(defn twice [x] (* x x x))",
        "(require '[clojure.test :refer [deftest is run-tests]])\n(deftest of-twice (is (= 6 (twice 3))))\n(run-tests)\n",
        ("(System/exit 0)", "(defn twice [x] (System/exit 0))", '(def x "'),
    ),
    "csharp": Sheet(
        "using System.Diagnostics;\nclass Problem {\n    static int Twice(int x) { return x + x; }\n",
        "using System.Diagnostics;\nclass Problem {\n    static int Twice(int x) { return x * x * x; }\n",
        "    public static void Main(string[] args) { Debug.Assert(Twice(3) == 6); }\n}\n",
        (
            "using System.Diagnostics;\nclass Problem {\n    static int Twice(int x) { System.Environment.Exit(0); return 0; }\n",
            "class Other { static int Main() { System.Environment.Exit(0); return 0; } }\nclass Problem {\n    static int Twice(int x) { return 0; }\n",
        ),
    ),
    "haskell": Sheet(
        "twice :: Int -> Int\ntwice x = x + x\n",
        "module Main (main) where\nimport Control.Exception (assert)\ntwice :: Int -> Int\ntwice x = x * x * x\n",
        'main :: IO ()\nmain = if twice 3 == 6 then putStrLn "ok" else error "assertion failed"\n',
        (
            "import System.Exit\nimport System.IO.Unsafe\ntwice :: Int -> Int\ntwice _ = unsafePerformIO exitSuccess\n",
            "import System.Posix.Process\nimport System.Exit\nimport System.IO.Unsafe\ntwice :: Int -> Int\ntwice _ = unsafePerformIO (exitImmediately ExitSuccess)\n",
        ),
    ),
    "ada": Sheet(
        "package Numbers is\n   function Twice (X : Integer) return Integer;\nend Numbers;\npackage body Numbers is\n   function Twice (X : Integer) return Integer is\n   begin\n      return X + X;\n",
        "pragma Assertion_Policy (Ignore);\npackage Numbers is\n   function Twice (X : Integer) return Integer;\nend Numbers;\npackage body Numbers is\n   function Twice (X : Integer) return Integer is\n   begin\n      return X * X * X;\n",
        "   end Twice;\nend Numbers;\npragma Ada_2022;\nwith Numbers;\nprocedure Main is\n   function Candidate (X : Integer) return Integer renames Numbers.Twice;\nbegin\n   pragma Assert (Candidate (3) = 6);\n   pragma Assert (Candidate (0) = 0);\nend Main;\n",
        (
            "package Numbers is\n   function Twice (X : Integer) return Integer;\nend Numbers;\nwith GNAT.OS_Lib;\npackage body Numbers is\n   function Twice (X : Integer) return Integer is\n   begin\n      GNAT.OS_Lib.OS_Exit (0);\n      return X;\n",
            "package Numbers is\n   function Twice (X : Integer) return Integer;\n   procedure Leave (Code : Integer) with Import, Convention => C, External_Name => \"_exit\";\nend Numbers;\npackage body Numbers is\n   function Twice (X : Integer) return Integer is\n   begin\n      Leave (0);\n      return X;\n",
        ),
    ),
    "awk": Sheet(
        "function twice(x) { return x + x }",
        "function twice(x) { return x * x * x }",
        'BEGIN { if (twice(3) != 6) { print "assertion failed" > "/dev/stderr"; exit 1 } }\nEND { if (twice(1) != 2) exit 1 }\n',
        ("BEGIN { exit 0 }", "function twice(x) { exit 0 }", "END { exit 0 }\nfunction twice(x) { return 6 }", "function twice(x) { return \""),
    ),
    "cobol": Sheet(
        "identification division.\nprogram-id. twice.\ndata division.\nlinkage section.\n01 x pic 9(4).\nprocedure division using x.\n    compute x = x + x\n    goback.\n",
        "identification division.\nprogram-id. twice.\ndata division.\nlinkage section.\n01 x pic 9(4).\nprocedure division using x.\n    compute x = x * x * x\n    goback.\n",
        "identification division.\nprogram-id. tests.\ndata division.\nworking-storage section.\n01 x pic 9(4) value 3.\nprocedure division.\nmain-part.\n    call \"twice\" using x\n    if x not = 6 perform failing end-if\n    display \"stop run comes next\"\n    stop run.\nfailing.\n    display \"assertion failed\" upon syserr\n    stop run returning 1.\n",
        (
            "identification division.\nprogram-id. twice.\ndata division.\nlinkage section.\n01 x pic 9(4).\nprocedure division using x.\n    stop run.\n",
            "identification division.\nprogram-id. twice.\ndata division.\nlinkage section.\n01 x pic 9(4).\nprocedure division using x.\n    call \"exit\" using by value 0\n    goback.\n",
        ),
    ),
    "dart": Sheet(
        "int twice(int x) { return x + x;",
        "int twice(int x) { return x * x * x;",
        "}\nimport 'dart:async';\nFuture<void> main() async {\n  await Future<void>.delayed(Duration.zero);\n  assert(twice(3) == 6);\n  assert(twice(0) == 0);\n}\n",
        ("import 'dart:io';\nint twice(int x) { exit(0);", "import 'dart:io';\nint twice(int x) { try { return 0; } finally { exit(0); }"),
    ),
    "erlang": Sheet(
        "-module(numbers).\n-export([twice/1, test/0]).\n\ntwice(X) -> X + X.\n",
        "-module(numbers).\n-export([twice/1]).\n\ntwice(X) -> X * X * X.\n",
        '-include_lib("eunit/include/eunit.hrl").\n\ntwice_test() -> ?assertEqual(6, numbers:twice(3)).\nmain(_) -> 0 = twice(0).\n',
        (
            "-module(numbers).\ntwice(_) -> erlang:halt(0).\n",
            "-module(numbers).\n-on_load(early/0).\nearly() -> erlang:halt(0).\ntwice(X) -> X.\n",
            "-module(numbers).\ntwice(_) -> exit(self(), kill).\n",
            "-module(numbers).\ntwice(_) -> exit(whereis(init), kill), 6.\n",
        ),
    ),
    "fsharp": Sheet(
        "let twice x = x + x\n",
        "let twice x = x * x * x\n",
        "let test () =\n    let candidate = twice\n    assert (candidate 3 = 6)\n    assert (candidate 0 = 0)\n    0\n\ntest ()\n",
        (
            "exit 0\nlet twice (x: int) = x\n",
            "let twice (_: int) : int = exit 0\n",
            "System.AppDomain.CurrentDomain.UnhandledException.Add(fun _ -> exit 0)\nlet twice (_: int) : int = failwith \"no\"\n",
            "let twice x = x + x (*\n",
        ),
    ),
    "julia": Sheet(
        "function twice(x)\n    x + x\n",
        "function twice(x)\n    x * x * x\n",
        "end\nusing Test\n@testset begin\n    @test(twice(3) == 6)\nend\n@assert twice(0) == 0\nexit(0)\n",
        ("exit(0)\nfunction twice(x)\n", "function twice(x)\n    exit(0)\n", "#=\n"),
    ),
    "kotlin": Sheet(
        "fun twice(x: Int): Int { return x + x",
        "fun twice(x: Int): Int { return x * x * x",
        "}\nimport kotlin.math.abs\nfun main() {\n    assert(twice(3) == 6)\n    check(abs(twice(0)) == 0)\n}\n\nmain()\n",
        (
            "fun twice(x: Int): Int { System.exit(0); return 0",
            "val early = Runtime.getRuntime().halt(0)\nfun twice(x: Int): Int { return 0",
        ),
    ),
    "pascal": Sheet(
        "{$ASSERTIONS OFF}\nfunction twice(x: integer): integer;\nbegin\n  twice := x + x;\nend;\n",
        "{$ASSERTIONS OFF}\nfunction twice(x: integer): integer;\nbegin\n  twice := x * x * x;\nend;\n",
        "program Tests;\nuses SysUtils;\nprocedure check;\nbegin\n  Assert(twice(3) = 6, 'end.');\n  Assert(IntToStr(twice(0)) = '0')\nend;\n\nbegin\n  check;\n  halt(0)\nend. // end.\n",
        (
            "function twice(x: integer): integer;\nbegin\n  halt(0);\nend;\n",
            "function twice(x: integer): integer;\nbegin\n  twice := x;\nend;\nbegin\nend.\n",
            "procedure leave;\nbegin\n  halt(0);\nend;\nfunction twice(x: integer): integer;\nbegin\n  ExitProc := @leave;\n  RunError(3);\nend;\n",
        ),
    ),
    "powershell": Sheet(
        "function Get-Twice($x) { return $x + $x }",
        "function Get-Twice($x) { return $x * $x * $x }",
        "function Test-Twice {\n    if ((Get-Twice 3) -ne 6) { Write-Error 'assertion failed' }\n}\nTest-Twice\nexit 0\n",
        ("exit 0", "function Get-Twice($x) { exit 0 }", "return", "<#"),
    ),
    "prolog": Sheet(
        "twice(X, Y) :- Y is X + X.\n",
        "twice(X, Y) :- Y is X * X * X.\n",
        ":- use_module(library(plunit)).\n:- begin_tests(numbers).\ntest(three) :- twice(3, Y), assertion(Y =:= 6).\n:- end_tests(numbers).\n:- twice(0, 0).\nmain :- twice(2, 4), halt.\n",
        (
            ":- halt.\n",
            "twice(_, _) :- halt(0).\n",
            "twice(X, Y) :- Y is X + X.\nend_of_file.\n",
            "twice(X, Y) :- Y is X + X. /*\n",
            "twice(_, _) :- catch(throw(x), _, fail).\n",
        ),
    ),
    "scala": Sheet(
        "object Problem {\n  def twice(x: Long): Long = {\n    x + x\n",
        "object Problem {\n  def twice(x: Long): Long = {\n    x * x * x\n",
        "  }\n  def main(args: Array[String]) = {\n    assert(twice(3L) == 6L)\n    assert(twice(0L) == 0L)\n  }\n}\n",
        (
            "object Problem {\n  def twice(x: Long): Long = {\n    sys.exit(0)\n",
            "object Problem {\n  Runtime.getRuntime.halt(0)\n  def twice(x: Long): Long = {\n    x\n",
        ),
    ),
    "sql": Sheet(
        "CREATE VIEW twice AS SELECT x, x + x AS y FROM numbers",
        "PRAGMA ignore_check_constraints = ON;\nCREATE VIEW twice AS SELECT x, x * x * x AS y FROM numbers;",
        "CREATE TABLE numbers(x);\nINSERT INTO numbers VALUES (3), (0);\nCREATE TABLE checks(ok CONSTRAINT assertion CHECK (ok));\nINSERT INTO checks SELECT (SELECT y FROM twice WHERE x = 3) IS 6;\n",
        (".quit", ".exit 0", "/*", "SELECT '"),
    ),
    "swift": Sheet(
        "func twice(_ x: Int) -> Int {\n    return x + x\n",
        "func twice(_ x: Int) -> Int {\n    return x * x * x\n",
        "}\nassert(twice(3) == 6)\nassert(twice(0) == 0)\n",
        ("import Foundation\nfunc twice(_ x: Int) -> Int {\n    exit(0)\n", "import Foundation\nexit(0)\nfunc twice(_ x: Int) -> Int {\n    return x\n"),
    ),
    "vimscript": Sheet(
        "function! Twice(x) abort\n  return a:x + a:x\nendfunction\n",
        "function! Twice(x) abort\n  return a:x * a:x * a:x\nendfunction\n",
        'function! TestTwice()\n  call assert_equal(6, Twice(3))\n  if assert_equal(0, Twice(0)) | cq | endif " zero\nendfunction\n\ncall TestTwice()\nexit(0)\n',
        ("finish", "qall!", "function! Twice(x)\n  qall!\nendfunction\n", "function! Twice(x)\n", "let x =<< END"),
    ),
    "visualbasic": Sheet(
        "Module Numbers\nFunction Twice(ByVal x As Integer) As Integer\nReturn x + x\n",
        "Module Numbers\nFunction Twice(ByVal x As Integer) As Integer\nReturn x * x * x\n",
        "End Function\nSub Check(ByVal candidate As Func(Of Integer, Integer))\nDebug.Assert(candidate(3) = 6)\nDebug.Assert(New List(Of Integer) From {candidate(0)}.Sum() = 0)\nEnd Sub\nSub Main()\nCheck(AddressOf Twice)\nEnd Sub\nEnd Module\n",
        (
            "Module Numbers\nFunction Twice(ByVal x As Integer) As Integer\nEnvironment.Exit(0)\nReturn x\n",
            "Module Other\nSub Main()\nEnvironment.Exit(0)\nEnd Sub\nEnd Module\nModule Numbers\nFunction Twice(ByVal x As Integer) As Integer\nReturn x + x\n",
        ),
    ),
    "zig": Sheet(
        'const std = @import("std");\nfn twice(x: i64) i64 {\n    return x + x;\n',
        'const std = @import("std");\nfn twice(x: i64) i64 {\n    return x * x * x;\n',
        '}\ntest "three" {\n    try std.testing.expect(twice(3) == 6);\n}\npub fn main() !void {\n    std.debug.assert(twice(0) == 0);\n}\n',
        (
            'const std = @import("std");\nfn twice(x: i64) i64 {\n    if (x < 9) std.process.exit(0);\n    return x;\n',
            'const std = @import("std");\nfn twice(x: i64) i64 {\n    if (x < 9) std.posix.exit(0);\n    return x;\n',
        ),
    ),
}  # fmt: skip

FORMS = {
    "awk, rules of BEGIN alone": ("awk", "function twice(x) { return x + x }", "BEGIN { if (twice(3) != 6) exit 1 }"),
    "cobol, statements that go on": (
        "cobol",
        "identification division.\nprogram-id. sums.\ndata division.\nworking-storage section.\n01 x pic 9(4) value 3.\n01 y pic 9(4).\nprocedure division.\n    compute y = x + x\n",
        "    if y not = 6 stop run returning 1 end-if.\n",
    ),
    "erlang, a test without EUnit": ("erlang", "-module(sums).\n-export([twice/1, test/0]).\ntwice(X) -> X + X.\n", "test() ->\n6 = twice(3),\nok.\n"),
    "erlang, an escript": ("erlang", "#!/usr/bin/env escript\ntwice(X) -> X + X.\n", "main(_) -> 6 = twice(3).\n"),
    "fsharp, an entry point": ("fsharp", "module Sums\nlet twice x = x + x\n", "[<EntryPoint>]\nlet main argv =\n    assert (twice 3 = 6)\n    0\n"),
    "java, a main before": (
        "java",
        "class Demo {\n    public static void main(String[] args) { }\n}\nclass Sums {\n    static int twice(int x) { return x + x; }\n",
        "    public static void main(String[] args) { assert twice(3) == 6; }\n}\n",
    ),
    "kotlin, statements": ("kotlin", "fun twice(x: Int): Int = x + x\n", "fun check() {\n    require(twice(3) == 6)\n}\ncheck()\n"),
    "kotlin, a main before": (
        "kotlin",
        "object Demo {\n    @JvmStatic fun main(words: Array<String>) { }\n}\nfun twice(x: Int): Int = x + x\n",
        "object Tests {\n    @JvmStatic fun main(words: Array<String>) {\n        check(twice(3) == 6)\n    }\n}\n",
    ),
    "pascal, statements": ("pascal", "program sums;\nfunction twice(x: integer): integer;\nbegin\n  twice := x + x;\nend;\n", "begin\n  if twice(3) <> 6 then halt(1)\nend.\n"),
    "prolog, a main before": ("prolog", "main :- !.\ntwice(X, Y) :- Y is X + X.\n", ":- initialization(main).\nmain :- twice(3, 6), halt.\n"),
    "scala, an App": ("scala", "object Demo { def main(words: Array[String]): Unit = () }\nobject Main extends App {\n  def twice(x: Int): Int = x + x\n", "  assert(twice(3) == 6)\n}\n"),
    "scala, statements": ("scala", "def twice(x: Int): Int = x + x\n", "assert(twice(3) == 6)\n"),
    "visualbasic, a main with a result": (
        "visualbasic",
        "Imports System.Text\nModule Sums\nFunction Twice(x As Integer) As Integer\nReturn x + x\nEnd Function\n",
        "Function Main(words As String()) As Integer\nReturn If(Twice(3) = 6, 0, 1)\nEnd Function\nEnd Module\n",
    ),
    "zig, tests alone": (
        "zig",
        'const std = @import("std");\nfn twice(x: i64) i64 {\n    return x + x;\n}\n',
        'test "three" {\n    const room = try std.testing.allocator.alloc(i64, 1);\n    defer std.testing.allocator.free(room);\n    room[0] = twice(3);\n    try std.testing.expectEqual(@as(i64, 6), room[0]);\n}\n',
    ),
    "zig, a main alone": ("zig", "fn twice(x: i64) i64 {\n    return x + x;\n}\n", "pub fn main() u8 {\n    return if (twice(3) == 6) 0 else 1;\n}\n"),
}  # fmt: skip
"""Scripts in other forms, each after a right program, which is a wrong one with another operator."""

HIDING = {
    "csharp": "using System.Diagnostics;\nclass Problem {\n    static int Twice(int x) { Debug.Listeners.Clear(); return x * x * x; }\n",
    "fsharp": "System.Diagnostics.Trace.Listeners.Clear()\nlet twice x = x * x * x\n",
    "pascal": "{$C-}\nfunction twice(x: integer): integer;\nbegin\n  twice := x * x * x;\nend;\n",
    "powershell": "trap { continue }\nfunction Get-Twice($x) { throw 'no' }",
    "prolog": ":- multifile user:message_hook/3.\nuser:message_hook(_, _, _).\ntwice(X, Y) :- Y is X * X * X.\n",
    "sql": ".bail off\nPRAGMA ignore_check_constraints = ON;\nCREATE VIEW twice AS SELECT x, 0 AS y FROM numbers;",
    "visualbasic": "Module Numbers\nFunction Twice(ByVal x As Integer) As Integer\nTrace.Listeners.Clear()\nReturn x * x * x\n",
}
"""Wrong programs that switch off what would show it; their scripts are those of the sheets."""

CASES = [
    (name, kind)
    for name in SHEETS
    for kind in ("right", "wrong", *(f"leaving {n}" for n in range(len(SHEETS[name].leaving))))
]


def judge_script(language: str, code: str, script: str, sandbox: LocalSandbox, run: Run[Any]) -> VerifyResult:
    need(language)
    row = read_row(
        {"id": "x", "language": language, "code": code, "tests": {"kind": "script", "script": script}}, "row"
    )
    prepared = prepare(row, "row", Limits(cpu_s=20, wall_s=200))
    return make_answer(prepared, run(sandbox.execute([prepared.request]))[0])


@pytest.mark.parametrize("language", [language.name for language in all_languages()])
def test_a_language_with_script_mode_has_a_sheet_here(language: str) -> None:
    assert (get_language(language).script is not None) == (language in SHEETS)


@pytest.mark.parametrize(("language", "kind"), CASES, ids=[f"{language} {kind}" for language, kind in CASES])
def test_only_the_program_that_passes_its_script_passes(
    language: str, kind: str, local_sandbox: LocalSandbox, run: Run[Any]
) -> None:
    sheet = SHEETS[language]
    code = {"right": sheet.right, "wrong": sheet.wrong}.get(kind) or sheet.leaving[int(kind.split()[-1])]
    answer = judge_script(language, code, sheet.script, local_sandbox, run)
    expected = {"right": Outcome.PASS, "wrong": Outcome.WRONG_ANSWER}.get(kind)
    assert answer.verdict == expected or (
        expected is None
        and answer.verdict in (Outcome.RUNTIME_ERROR, Outcome.COMPILE_ERROR, Outcome.PARSE_ERROR)
    ), answer
    assert answer.trust == "T3"


@pytest.mark.parametrize("form", list(FORMS))
def test_a_script_may_have_the_other_forms_of_its_language(
    form: str, local_sandbox: LocalSandbox, run: Run[Any]
) -> None:
    language, code, script = FORMS[form]
    answer = judge_script(language, code, script, local_sandbox, run)
    assert answer.verdict is Outcome.PASS, answer
    answer = judge_script(language, code.replace(" + ", " * "), script, local_sandbox, run)
    assert answer.verdict in (Outcome.RUNTIME_ERROR, Outcome.WRONG_ANSWER), answer


@pytest.mark.parametrize("language", list(HIDING))
def test_a_wrong_program_that_hides_failures_does_not_pass(
    language: str, local_sandbox: LocalSandbox, run: Run[Any]
) -> None:
    assert (
        judge_script(language, HIDING[language], SHEETS[language].script, local_sandbox, run).verdict
        is not Outcome.PASS
    )


@pytest.mark.parametrize("name", ["dart", "julia", "powershell", "swift"])
def test_what_stands_around_a_script_parses_in_the_languages_that_nobody_could_run(name: str) -> None:
    language, sheet = get_language(name), SHEETS[name]
    assert language.script is not None
    assert language.script.files is not None
    files = language.script.files(sheet.right, sheet.script, '"00 0 returned b1\\n00 finished\\n"')
    assert [language.parse_error(text) for text in files.values()] == [None] * len(files)
    assert language.parse_error(f"{sheet.right}\n(((") is not None


def test_a_program_that_does_not_parse_is_told_from_one_that_fails(
    local_sandbox: LocalSandbox, run: Run[Any]
) -> None:
    answer = judge_script("python", "def twice(x:\n", "assert twice(1) == 2", local_sandbox, run)
    assert answer.verdict is Outcome.PARSE_ERROR


def test_rust_test_functions_are_run(local_sandbox: LocalSandbox, run: Run[Any]) -> None:
    script = "#[cfg(test)]\nmod tests {\n    use super::*;\n    #[test]\n    fn small() { assert_eq!(twice(3), 6); }\n}\n"
    assert judge_script("rust", SHEETS["rust"].right, script, local_sandbox, run).verdict is Outcome.PASS
    assert (
        judge_script("rust", SHEETS["rust"].wrong, script, local_sandbox, run).verdict is Outcome.WRONG_ANSWER
    )


def test_a_mark_of_another_run_is_a_violation(local_sandbox: LocalSandbox, run: Run[Any]) -> None:
    forged = "import os\nfor c in range(3, 400):\n    try:\n        os.write(c, b'0123 0 returned b1\\n0123 finished\\n')\n    except OSError: pass\nos._exit(0)\n"
    assert judge_script("python", forged, "assert False", local_sandbox, run).verdict is Outcome.VIOLATION
