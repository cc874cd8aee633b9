"""MultiPL-E: `name`, `language`, `prompt` and `tests` in each language's own words. Samples continue the
prompt, up to its first stop token; answers with the whole function lose the brace that the tests bring."""

from collections.abc import Sequence

from synth.languages.registry import normalize_language
from synth.verify.formats.python_prompts import asked_function, head_of, placed_after
from synth.verify.formats.spec import BenchmarkSample, Fields, Format, RowParts, need, read_sample, texts
from synth.verify.formats.whole_functions import asked_name, fitted

_LANGUAGES = {
    "go_test.go": "go",
    "humaneval_to_dlang.py": "d",
    "humaneval_to_r.py": "r",
    "notypes.py": "python",
}
_LANGUAGES |= {"adb": "ada", "el": "elisp", "pas": "pascal"}
_LUA_END = "os.exit(lu.LuaUnit.run())"


def language_of(problem: Fields) -> str:
    """The language of a problem."""
    stated = need(problem, "language")
    return normalize_language(_LANGUAGES.get(stated, stated))


def convert(problem: Fields, sample: BenchmarkSample) -> RowParts:
    """The tests as they are; those of Lua end the process themselves, which a mark cannot follow."""
    language, prompt = language_of(problem), need(problem, "prompt")
    tests = need(problem, "tests").replace(_LUA_END, "if lu.LuaUnit.run() ~= 0 then os.exit(1) end")
    name = asked_function(prompt) if language == "python" else asked_name(prompt)
    read = read_sample(sample, language, name)
    if not read.whole:
        code = prompt + until_stop(read.code, texts(problem, "stop_tokens"))
    elif read.answer or read.code != sample.text:
        code = _placed(language, prompt, name, read.code, tests)
    else:
        code = read.code
    return RowParts(language, code, {"kind": "script", "script": tests}, note=read.note)


def _placed(language: str, prompt: str, name: str, code: str, tests: str) -> str:
    """The function of an answer where its tests expect it. Python documents it after its name."""
    if language == "python":
        return placed_after(head_of(prompt, name), code)
    return fitted(code, prompt, tests)


def until_stop(completion: str, stop_tokens: Sequence[str]) -> str:
    """The completion up to the first stop token, where the benchmark's own sampling would have ended it."""
    ends = [at for token in stop_tokens if token and (at := completion.find(token)) >= 0]
    return completion[: min(ends)] if ends else completion


FORMAT = Format(
    name="multipl-e",
    title="MultiPL-E",
    aliases=("multiple", "multipl_e"),
    key_fields=("name",),
    told_apart=("language",),
    packages="multipl-e",
    convert=convert,
)
