"""Fill-in-the-middle samples: exact texts, node kinds, formats, special tokens."""

from pathlib import Path
from random import Random

import pytest

from synth.filters.protocol import Reject
from synth.languages.registry import all_languages, get_language
from synth.products import FimSample
from synth.rules.fim_cut import ContextFile, FimLimits, make_fim, make_repository_fim

PROGRAM = (
    "import math\n"
    "\n"
    "def f(xs, k):\n"
    "    '''Doc.'''\n"
    "    total = 0\n"
    "    for x in xs:\n"
    "        if x % k == 0:\n"
    "            total += x * 2\n"
    "    return total + math.floor(k)\n"
)


def sample(code: str, language: str, seed: int = 0, limits: FimLimits | None = None) -> FimSample:
    made = make_fim(code, language, Random(seed), limits=limits or FimLimits())
    assert isinstance(made, FimSample), made
    return made


@pytest.mark.parametrize("language", [language.name for language in all_languages() if language.node_types])
def test_every_language_gives_every_kind_of_node_and_the_exact_text(language: str) -> None:
    kinds, program = set(), get_language(language).samples.functions
    for seed in range(80):
        made = sample(program, language, seed, FimLimits(max_middle_share=0.95))
        assert made.prefix + made.middle + made.suffix == program
        assert (
            made.text == f"<|fim_prefix|>{made.prefix}<|fim_suffix|>{made.suffix}"
            f"<|fim_middle|>{made.middle}<|endoftext|>"
        )
        assert made.middle.strip()
        kinds.add(made.node)
    assert kinds == {"expression", "statement", "block", "function"}


@pytest.mark.parametrize(
    "code",
    [
        "x = f('世界🙂' + g(1))\r\ny = [x for x in range(10)]\r\n",
        "def f(a):\n\treturn (a +\n\t\t1)",
        "\n\n\nx = [1, 2, 3] + [4]",
    ],
)
def test_the_text_comes_back_byte_for_byte_whatever_its_line_ends(code: str) -> None:
    for seed in range(20):
        made = sample(code, "python", seed, FimLimits(max_middle_share=0.9))
        assert (made.prefix + made.middle + made.suffix).encode() == code.encode()


def test_the_middle_is_no_docstring_and_no_comment() -> None:
    code = (
        '"""Some words of documentation here."""\n# A long comment about nothing at all\nvalue = '
        "compute(1, 2)\n"
    )
    for seed in range(30):
        assert (
            "value" in sample(code, "python", seed).middle or "compute" in sample(code, "python", seed).middle
        )


def test_the_middle_keeps_to_its_limits() -> None:
    for seed in range(30):
        made = sample(PROGRAM, "python", seed, FimLimits(max_middle_share=0.2))
        assert 4 <= len(made.middle) <= 0.2 * len(PROGRAM)


@pytest.mark.parametrize(
    "token",
    ["<|fim_prefix|>", "<|endoftext|>", "<|im_end|>", "<|file_sep|>", "<tool_call>", "<|some_other|>"],
)
def test_code_that_spells_a_special_token_is_refused(token: str) -> None:
    made = make_fim(f"x = {token!r} + f(1)\n", "python", Random(0))
    assert made == Reject("special_tokens", {"found": token})


def test_pipes_and_comparisons_are_no_special_tokens() -> None:
    assert isinstance(make_fim("x = (a <b| c | d> e) + f(1)\n", "python", Random(0)), FimSample)


@pytest.mark.parametrize(
    ("code", "language", "reason"),
    [
        ("def f(:\n", "python", "parse_error"),
        ("x", "python", "no_fim_span"),
        ("", "python", "no_fim_span"),
        ("code", "klingon", "no_fim_span"),
    ],
)
def test_code_that_gives_no_sample_has_a_reason(code: str, language: str, reason: str) -> None:
    made = make_fim(code, language, Random(0))
    assert isinstance(made, Reject)
    assert made.reason == reason


def test_the_repository_format_is_exactly_that_of_the_report() -> None:
    context = [
        ContextFile("a.py", "A = 1\n"),
        ContextFile("b.py", "B = 2"),
        ContextFile("bad.py", "x = '<|im_end|>'\n"),
    ]
    made = make_repository_fim(
        "repo", context, "pkg/c.py", "value = compute(1, 2)\n", "python", Random(1), source_id="s"
    )
    assert isinstance(made, FimSample)
    head = "<|repo_name|>repo\n<|file_sep|>a.py\nA = 1\n<|file_sep|>b.py\nB = 2\n<|file_sep|>pkg/c.py\n"
    assert made.text.startswith(head + "<|fim_prefix|>")
    assert made.text.endswith(made.middle + "<|endoftext|>")
    assert made.prefix + made.middle + made.suffix == "value = compute(1, 2)\n"
    assert made.source_id == "s"


def test_a_repository_name_cannot_smuggle_a_token() -> None:
    made = make_repository_fim("r<|endoftext|>", [], "a.py", "value = compute(1, 2)\n", "python", Random(1))
    assert isinstance(made, Reject)


def test_the_same_random_generator_gives_the_same_sample() -> None:
    program = get_language("go").samples.functions
    assert sample(program, "go", 3) == sample(program, "go", 3)


def test_real_files_are_reassembled_exactly() -> None:
    files = sorted(Path(pytest.__file__).parent.parent.glob("_pytest/*.py"))[:15]
    made = [make_fim(file.read_bytes().decode(), "python", Random(at)) for at, file in enumerate(files)]
    assert sum(isinstance(item, FimSample) for item in made) >= 12
    for file, item in zip(files, made, strict=True):
        assert (
            isinstance(item, Reject)
            or (item.prefix + item.middle + item.suffix).encode() == file.read_bytes()
        )
