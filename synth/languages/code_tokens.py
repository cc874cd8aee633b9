"""Code as tokens for comparison: without comments and layout, and optionally with abstracted
names and literals.

Used by duplicates, decontamination and pairs. It is a small lexer for all languages at once, not a parser: it
also reads fragments. The one rule: reformatting a program or changing its comments changes no token; renaming
its variables changes no abstract token.
"""

import ast
import re
from functools import cache

from synth.grammar.python_trees import parse_python
from synth.languages.registry import find_language

_COMMENTS = {
    "block": r"/\*.*?\*/",
    "slashes": r"(?<![:\w])//[^\n]*",
    "hash": r"\#(?!\[|include|define|if|else|endif|pragma|undef)[^\n]*",
}


@cache
def _lexeme(*comments: str) -> re.Pattern[str]:
    """The pattern of one token where these comments exist. Each pattern reads no character more often than
    twice or so, whatever the text: it never looks for the end of a comment that has none."""
    comment = "|".join(_COMMENTS[name] for name in comments) or r"(?!)"
    return re.compile(
        rf"""
          (?P<comment> {comment} )
        | (?P<string>  (?i:[rbuf]{{0,2}})
                       (?: \"\"\".*?\"\"\" | '''.*?''' | "(?:\\.|[^"\\\n])*" | '(?:\\.|[^'\\\n])*'
                         | `(?:\\.|[^`\\])*` ))
        | (?P<number>  \d[\w.]* )
        | (?P<word>    [^\W\d]\w* )
        | (?P<symbol>  [^\w\s] )
        """,
        re.VERBOSE | re.DOTALL,
    )


_HOLE = re.compile(r"\{[^{}]*\}")
"""The variable part of a format string, which may contain names."""

KEYWORDS = frozenset(
    "and as assert async await auto boolean break byte case catch char class const continue def default del "
    "delete do double elif else enum except export extends false final finally fn for from func function "
    "global go if impl import in interface is lambda let long loop match mut namespace new nil none not "
    "null nonlocal or package pass private pub public raise return short signed static struct super switch "
    "template this throw throws true try typedef typename undefined union unsigned use using var void "
    "while with yield None True False".split()
)
"""Words that are never a name chosen by a person."""

LIBRARY = frozenset(
    "abs add all any append apply bin bool charAt chr concat contains count count_if ceil clear copy dict "
    "endswith entries enumerate equals erase every extend fill filter find first float floor forEach format "
    "frozenset get getOrDefault gcd hasattr getattr includes index indexOf insert int isalnum isalpha "
    "isdigit isinstance islower isupper isspace items iter join keys last len length list lower lstrip map "
    "max min next ord parseInt pop pow print push push_back put range reduce remove repeat replace reverse "
    "reversed round rstrip set size slice some sort sorted split sqrt startswith str strip substr substring "
    "sum swap title toLowerCase toString toUpperCase trim tuple type unwrap update upper values zip".split()
)
"""Builtins and methods of the standard types: kept in calls, since renaming never changes them."""


def code_tokens(code: str, language: str = "") -> list[str]:
    """The tokens, without comments and white space; a string literal is one token."""
    return [text for kind, text in lexemes(code, language) if kind != "comment"]


def comment_length(code: str, language: str = "") -> int:
    """Characters of comments, and in Python of docstrings."""
    length = sum(len(text) for kind, text in lexemes(code, language) if kind == "comment")
    return length + (_docstring_length(code) if language == "python" else 0)


def _docstring_length(code: str) -> int:
    tree = parse_python(code)
    if tree is None:
        return 0
    documented = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Module)
    texts = (ast.get_docstring(node) for node in ast.walk(tree) if isinstance(node, documented))
    return sum(len(text) for text in texts if text)


def abstract_tokens(code: str, language: str = "") -> list[str]:
    """Tokens for comparing programs whose names may differ: names chosen by a person begin with `V:`.

    Keywords, called builtins, numbers and the contents of strings stay; the quotes of a string do not count.
    """
    return abstract_lexemes([one for one in lexemes(code, language) if one[0] != "comment"])


def abstract_lexemes(found: list[tuple[str, str]]) -> list[str]:
    """The abstract tokens of lexemes, none of them a comment."""
    following = [text for _, text in found[1:]] + [""]
    return [_abstract(kind, text, after) for (kind, text), after in zip(found, following, strict=False)]


def _abstract(kind: str, text: str, after: str) -> str:
    if kind == "string":
        return "S:" + _HOLE.sub("{}", text.strip("rbufRBUF").strip("\"'`"))
    if kind != "word" or text in KEYWORDS or (after == "(" and text in LIBRARY):
        return text
    return "V:" + text


def abstract_ngrams(tokens: list[str], n: int) -> list[str]:
    """All runs of n abstract tokens; in each run, names are numbered in order of appearance.

    So `a = a + b` and `x = x + y` give the same run, and `x = y + x` a different one.
    """
    return [_number_names(tokens[at : at + n]) for at in range(len(tokens) - n + 1)]


def _number_names(run: list[str]) -> str:
    numbers: dict[str, str] = {}
    return "\x1f".join(
        numbers.setdefault(token, f"V{len(numbers)}") if token.startswith("V:") else token for token in run
    )


def lexemes(code: str, language: str) -> list[tuple[str, str]]:
    """Kind and text of each piece, comments among them. Kinds: comment, string, number, word, symbol."""
    signs = _comment_signs(language)
    slashes, hashes = ("slashes",) * ("//" in signs), ("hash",) * ("#" in signs)
    whole, without_blocks = _lexeme("block", *slashes, *hashes), _lexeme(*slashes, *hashes)
    last_block = code.rfind("*/") if slashes else -1
    found: list[tuple[str, str]] = []
    at = 0
    while match := (whole if at < last_block else without_blocks).search(code, at):
        found.append((str(match.lastgroup), match.group()))
        at = match.end()
    return found


def _comment_signs(language: str) -> tuple[str, ...]:
    """What begins a comment: `//` is code in Python, and `#` in C."""
    spoken = find_language(language)
    return spoken.comment_signs if spoken else ("//", "#")


def normalize_code(code: str, language: str = "") -> str:
    """One text for all layouts of the same program: its tokens joined by single spaces.

    In Python layout has meaning, so each line's indentation is kept as a number of levels.
    """
    if language == "python":
        return normalize_python(code)
    return " ".join(code_tokens(code, language))


def normalize_python(code: str) -> str:
    """Python text without comments, docstrings and layout: the dumped syntax tree, or the bare tokens if it
    does not parse."""
    tree = parse_python(code)
    if tree is None:
        return " ".join(code_tokens(code, "python"))
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef | ast.Module):
            _drop_docstring(node)
    return ast.dump(tree)


def _drop_docstring(node: ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef | ast.Module) -> None:
    match node.body:
        case [ast.Expr(ast.Constant(str())), *rest]:
            node.body = rest
