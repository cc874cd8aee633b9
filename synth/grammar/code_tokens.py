"""Code as tokens for comparing: comments and layout gone, and, where asked, names and literals abstracted.

Used by duplicates, decontamination and pairs. It is a small lexer for all languages at once, not a parser: it also reads fragments. The one
rule: reformatting a program or changing its comments changes no token; renaming its variables changes no abstract token.
"""

import ast
import re
import warnings

_LEXEME = re.compile(
    r"""
      (?P<comment> /\*.*?\*/ | (?<![:\w])//[^\n]* | \#(?!\[|include|define|if|else|endif|pragma|undef)[^\n]* )
    | (?P<string>  (?i:[rbuf]{0,2})(?: \"\"\".*?\"\"\" | '''.*?''' | "(?:\\.|[^"\\\n])*" | '(?:\\.|[^'\\\n])*' | `(?:\\.|[^`\\])*` ))
    | (?P<number>  \d[\w.]* )
    | (?P<word>    [^\W\d]\w* )
    | (?P<symbol>  [^\w\s] )
    """,
    re.VERBOSE | re.DOTALL,
)

_SLASHES_ARE_CODE = frozenset({"python", "ruby", "perl", "bash", "r"})
_HASH_IS_CODE = frozenset({"javascript", "typescript", "java", "c", "cpp", "go", "rust", "kotlin", "scala", "csharp", "swift"})

KEPT_WORDS = frozenset(
    # keywords of the mainstream languages
    "and as assert async await auto bool boolean break byte case catch char class const continue def default del delete do double elif "
    "else enum except export extends false final finally float fn for from func function global go if impl import in int interface is "
    "lambda let long loop match mut namespace new nil none not null nonlocal or package pass private pub public raise return self short signed "
    "static string struct super switch template this throw throws true try type typedef typename undefined union unsigned use using "
    "var void while with yield None True False String Integer Boolean List ArrayList HashMap Map Set vector map set pair std usize "
    "i32 i64 u8 u32 u64 f64 str dict list tuple object vec Vec "
    # names that a renaming cannot touch: builtins and methods of the standard types
    "abs add all any append apply bin bool charAt chr collections concat contains count count_if ceil clear copy endswith entries "
    "enumerate equals erase every extend fill filter find first floor forEach format from_iter get getOrDefault gcd hasOwnProperty heapq "
    "includes index indexOf insert isalnum isalpha isdigit islower isupper isspace items iter join keys last len length "
    "lower lstrip map math max min next ord parseInt pop pow print push push_back put range re reduce remove repeat replace "
    "reverse reversed round rstrip size slice some sort sorted split sqrt startswith strip substr substring sum swap title "
    "toLowerCase toString toUpperCase trim unwrap update upper values zip itertools math Math Object Array Number console".split()
)
"""Words that stay as they are when names are abstracted."""


def code_tokens(code: str, language: str = "") -> list[str]:
    """The tokens, without comments and white space; a string literal is one token."""
    return [text for kind, text in _lexemes(code, language) if kind != "comment"]


def abstract_tokens(code: str, language: str = "") -> list[str]:
    """Tokens with every name that a person could change replaced by `V`, and every string by `S`. Numbers, keywords and builtins stay."""
    abstract = {"word": "V", "string": "S"}
    found = _lexemes(code, language)
    return [text if text in KEPT_WORDS else abstract.get(kind, text) for kind, text in found if kind != "comment"]


def _lexemes(code: str, language: str) -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = []
    at = 0
    while match := _LEXEME.search(code, at):
        kind, text = str(match.lastgroup), match.group()
        at = match.end()
        if kind == "comment" and _is_code(text, language):
            kind, text, at = "symbol", text[0], match.start() + 1
        found.append((kind, text))
    return found


def _is_code(comment: str, language: str) -> bool:
    """Whether what looks like a comment is none in that language: `a // b` in Python, `#` in C."""
    return language in (_HASH_IS_CODE if comment[0] == "#" else _SLASHES_ARE_CODE)


def normalize_code(code: str, language: str = "") -> str:
    """One text for all layouts of the same program: its tokens joined by single spaces.

    In Python the layout is meaning, so the depth of each line's indentation is kept, as a count of levels.
    """
    if language == "python":
        return normalize_python(code)
    return " ".join(code_tokens(code, language))


def normalize_python(code: str) -> str:
    """Python's text without comments, docstrings and layout: the unparsed syntax tree, or the bare tokens if it does not parse."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            tree = ast.parse(code)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return " ".join(code_tokens(code, "python"))
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef | ast.Module):
            _drop_docstring(node)
    return ast.dump(tree)


def _drop_docstring(node: ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef | ast.Module) -> None:
    first = node.body[0] if node.body else None
    if isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant) and isinstance(first.value.value, str):
        node.body = node.body[1:]
