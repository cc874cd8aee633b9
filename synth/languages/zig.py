"""Zig: stdin/stdout programs, for version 0.13."""

from synth.languages.spec import Language, Samples

LANGUAGE = Language(
    name="zig",
    file_name="main.zig",
    tools=("zig",),
    version_arguments=("version",),
    install="pip install ziglang==0.13.0",
    grammar="zig",
    compile_command=("{zig}", "build-exe", "-ODebug", "-fstrip", "-femit-bin=program", "main.zig"),
    run_command=("./program",),
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
    samples=Samples(
        wrong='const std = @import("std");\npub fn main() !void {\n    try std.io.getStdOut().writeAll("5");\n}\n',
        hanging="pub fn main() void {\n    var n: u32 = 0;\n    while (true) n +%= 1;\n}\n",
        crashing='pub fn main() void {\n    @panic("no");\n}\n',
        broken="pub fn main() void {\n    while (\n}\n",
        refused="pub fn main() void {\n    nothing();\n}\n",
    ),
)
