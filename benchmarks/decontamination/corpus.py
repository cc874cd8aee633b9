"""The texts of the benchmark: functions of source trees in every language that can be cut, and paragraphs of
documents in any human language.

The one rule: texts are taken in an order that only their content decides, so a tree that was checked out
elsewhere gives the same sample.
"""

import hashlib
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from synth.errors import CodemillError
from synth.filters.words import is_ideographic, split_words
from synth.grammar.parser_process import UnparsedError
from synth.languages.code_tokens import code_tokens
from synth.languages.registry import source_extensions
from synth.seeds.functions import find_functions

FEWEST_TOKENS: Final = 40
"""Code tokens of a function that can be recognized at all; a shorter one says too little to be told from
others."""
MOST_TOKENS: Final = 600
FEWEST_WORDS: Final = 15
MOST_WORDS: Final = 200
_LARGEST: Final = 400_000
_DOCUMENTS: Final = (".md", ".rst", ".txt")
_NO_PARAGRAPH: Final = re.compile(r"^\s*([#|>*+\-=~`<!:.\[{]|\d+\.|\s{4})")
_TEST: Final = re.compile(r"(^|[/_.-])tests?([/_.-]|$)|Test", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Text:
    """A function, or a paragraph (without a name)."""

    label: str
    """The programming language; of a paragraph, the folder that it was found in."""
    name: str
    text: str
    path: Path

    @property
    def key(self) -> str:
        """Its place in the order."""
        return hashlib.sha256(self.text.encode("utf-8", "surrogatepass")).hexdigest()


def read_functions(folders: Iterable[Path]) -> dict[str, list[Text]]:
    """Functions of enough tokens by language, without tests, each text once, in the order of their hashes."""
    found: dict[str, dict[str, Text]] = defaultdict(dict)
    for root, path in _files(folders, tuple(source_extensions())):
        if _TEST.search(str(path.relative_to(root))):
            continue
        language = source_extensions()[path.suffix]
        for text in _functions(path, language):
            found[language].setdefault(text.key, text)
    return {language: _in_order(texts) for language, texts in sorted(found.items())}


def _functions(path: Path, language: str) -> Iterator[Text]:
    try:
        for function in find_functions(path.read_text(encoding="utf-8"), language):
            tested = _TEST.search(function.name) or function.code.startswith(("@Test", "#[test]"))
            if not tested and FEWEST_TOKENS <= len(code_tokens(function.code, language)) <= MOST_TOKENS:
                yield Text(language, function.name, function.code, path)
    except (OSError, UnicodeDecodeError, UnparsedError, CodemillError):
        return


def read_paragraphs(folders: Iterable[Path]) -> dict[str, list[Text]]:
    """Paragraphs of enough words by folder, each text once, in the order of their hashes."""
    found: dict[str, dict[str, Text]] = defaultdict(dict)
    for root, path in _files(folders, _DOCUMENTS):
        try:
            blocks = re.split(r"\n\s*\n", path.read_text(encoding="utf-8"))
        except (OSError, UnicodeDecodeError):
            continue
        for block in blocks:
            if _is_paragraph(block):
                text = Text(str(root), "", block.strip(), path)
                found[text.label].setdefault(text.key, text)
    return {label: _in_order(texts) for label, texts in found.items()}


def _is_paragraph(block: str) -> bool:
    if _NO_PARAGRAPH.match(block) or "```" in block or "::" in block:
        return False
    words = split_words(block)
    scale = 1 + is_ideographic(words)
    return FEWEST_WORDS * scale <= len(words) <= MOST_WORDS * scale


def _in_order(texts: dict[str, Text]) -> list[Text]:
    return [texts[key] for key in sorted(texts)]


def _files(folders: Iterable[Path], suffixes: tuple[str, ...]) -> Iterator[tuple[Path, Path]]:
    for folder in folders:
        for path in sorted(folder.rglob("*")):
            if path.suffix in suffixes and path.is_file() and path.stat().st_size <= _LARGEST:
                yield folder, path
