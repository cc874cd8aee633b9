"""How many tokens a text has, roughly, where no tokenizer is named: cheap, without a model, the same
everywhere.

It counts as byte-pair tokenizers for code split: runs of letters, single digits, runs of punctuation, line
breaks with their indentation. The one rule: it is an estimate for limits (`max_tokens` of seeds and filters),
never for anything that a trainer must get exactly: the trainer counts with its own tokenizer and refuses or
reports longer rows.
"""

import re

_PIECE = re.compile(r"[A-Za-z]+|\d|[\u2e80-\u9fff\uac00-\ud7af]|[^\W\dA-Za-z_]+|_+|[^\w\s]+|\n\s*")
LETTERS_A_TOKEN = 6
"""A run of letters is one token up to this length: identifiers in code are mostly made of frequent short
words."""
SYMBOLS_A_TOKEN = 2


def estimate_tokens(text: str) -> int:
    """Estimated number of tokens of a code tokenizer with a large vocabulary (about 150,000 entries)."""
    total = 0
    for piece in _PIECE.findall(text):
        width = LETTERS_A_TOKEN if piece[0].isalpha() else SYMBOLS_A_TOKEN
        total += 1 if piece[0] == "\n" else -(-len(piece) // width)
    return total
