"""Zig: stdin/stdout programs, for version 0.13."""

from synth.languages.conformance import ConformancePrograms, ScriptPrograms
from synth.languages.spec import FailureWords, Language, Script

_ROOT = """const program = @import("main.zig");

test {
    _ = program;
}

test "codemill main" {
    if (!@hasDecl(program, "main")) return error.SkipZigTest;
    const result = program.main();
    const ended = if (@typeInfo(@TypeOf(result)) == .ErrorUnion) try result else result;
    if (@TypeOf(ended) == u8 and ended != 0) return error.ExitCode;
}
"""
_GUARD = """const std = @import("std");
const builtin = @import("builtin");

fn passes(one: std.builtin.TestFn) bool {
    std.testing.allocator_instance = .{};
    one.func() catch |problem| {
        if (problem == error.SkipZigTest) return false;
        const kind = if (std.mem.startsWith(u8, @errorName(problem), "Test")) "assertion failed" else "error";
        std.debug.print("{s}: {s} in {s}\\n", .{ kind, @errorName(problem), one.name });
        std.process.exit(1);
    };
    if (std.testing.allocator_instance.deinit() == .leak) std.process.exit(1);
    return true;
}

pub fn main() !void {
    var passed: usize = 0;
    for (builtin.test_functions) |one| {
        if (passes(one)) passed += 1;
    }
    if (passed < 2) return error.TheScriptTestsNothing;
    _ = try std.posix.write(3, MARK);
}
"""
"""Runs the script's tests and its `main`; the unnamed test, which only includes the program, counts as
one passing test."""


def _script(code: str, script: str, mark: str) -> dict[str, str]:
    return {"main.zig": f"{code}\n{script}\n", "root.zig": _ROOT, "guard.zig": _GUARD.replace("MARK", mark)}


LANGUAGE = Language(
    name="zig",
    file_name="main.zig",
    tools=("zig",),
    version_arguments=("version",),
    install="pip install ziglang==0.13.0",
    grammar="zig",
    compile_command=("{zig}", "build-exe", "-ODebug", "-fstrip", "-femit-bin=program", "main.zig"),
    run_command=("./program",),
    script=Script(
        files=_script,
        compile_command=(
            "{zig}",
            "test",
            "--test-no-exec",
            "-femit-bin=program",
            "--test-runner",
            "guard.zig",
            "root.zig",
        ),
    ),
    failures=FailureWords(uncaught=("^error: ",)),
    hello="""const std = @import("std");

pub fn main() !void {
    var buffer: [4096]u8 = undefined;
    const line = (try std.io.getStdIn().reader().readUntilDelimiterOrEof(&buffer, '\\n')) orelse "";
    var words = std.mem.tokenizeAny(u8, line, " ");
    var total: i64 = 0;
    while (words.next()) |word| total += try std.fmt.parseInt(i64, word, 10);
    try std.io.getStdOut().writer().print("{d}\\n", .{total});
}
""",
    samples=ConformancePrograms(
        wrong="""const std = @import("std");
pub fn main() !void {
    try std.io.getStdOut().writeAll("5");
}
""",
        hanging="pub fn main() void {\n    var n: u32 = 0;\n    while (true) n +%= 1;\n}\n",
        crashing='pub fn main() void {\n    @panic("no");\n}\n',
        broken="pub fn main() void {\n    while (\n}\n",
        refused="pub fn main() void {\n    nothing();\n}\n",
        script=ScriptPrograms(
            right="""const std = @import("std");
fn twice(x: i64) i64 {
    return x + x;
""",
            wrong="""const std = @import("std");
fn twice(x: i64) i64 {
    return x * x * x;
""",
            script="""}
test "three" {
    try std.testing.expect(twice(3) == 6);
}
pub fn main() !void {
    std.debug.assert(twice(0) == 0);
}
""",
            leaving=(
                """const std = @import("std");
fn twice(x: i64) i64 {
    if (x < 9) std.process.exit(0);
    return x;
""",
                """const std = @import("std");
fn twice(x: i64) i64 {
    if (x < 9) std.posix.exit(0);
    return x;
""",
            ),
            forms={
                "tests alone": (
                    """const std = @import("std");
fn twice(x: i64) i64 {
    return x + x;
}
""",
                    """test "three" {
    const room = try std.testing.allocator.alloc(i64, 1);
    defer std.testing.allocator.free(room);
    room[0] = twice(3);
    try std.testing.expectEqual(@as(i64, 6), room[0]);
}
""",
                ),
                "a main alone": (
                    """fn twice(x: i64) i64 {
    return x + x;
}
""",
                    """pub fn main() u8 {
    return if (twice(3) == 6) 0 else 1;
}
""",
                ),
            },
        ),
    ),
)
