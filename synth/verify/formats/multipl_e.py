"""MultiPL-E: `name`, `language`, `prompt` and `tests` in each language's own words. Samples continue the
prompt."""

from synth.verify.formats.spec import BenchmarkSample, Fields, Format, RowParts, completed, need

_LANGUAGES = {
    "go_test.go": "go",
    "humaneval_to_dlang.py": "d",
    "humaneval_to_r.py": "r",
    "notypes.py": "python",
}
_LANGUAGES |= {"adb": "ada", "el": "elisp", "pas": "pascal"}
_LUA_END = "os.exit(lu.LuaUnit.run())"


def convert(problem: Fields, sample: BenchmarkSample) -> RowParts:
    """The tests as they are; those of Lua end the process themselves, which a mark cannot follow."""
    language = need(problem, "language")
    tests = need(problem, "tests").replace(_LUA_END, "if lu.LuaUnit.run() ~= 0 then os.exit(1) end")
    return RowParts(
        _LANGUAGES.get(language, language),
        completed(need(problem, "prompt"), sample),
        {"kind": "script", "script": tests},
    )


FORMAT = Format(
    name="multipl-e",
    title="MultiPL-E",
    aliases=("multiple", "multipl_e"),
    key_fields=("name",),
    convert=convert,
)
