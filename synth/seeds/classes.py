"""Classes as seeds: each class of a file that can be closed over its file and package.

Place in the flow: `cut.py` asks here once for each file, besides its functions. The one rule: a class that is
cut is returned once, as a seed or as a rejection; classes without two public methods are not cut. Only Python
has a closing for whole classes yet.
"""

import ast
import re
from collections.abc import Iterator

from synth.config import ScreenConfig
from synth.filters.protocol import Reject
from synth.records import Origin
from synth.seeds.neighbours import TreeNeighbours
from synth.seeds.protocol import SeedOrRejection, SourceFile, make_seed, reject_seed
from synth.seeds.python.class_methods import class_names
from synth.seeds.python.python_tree import PythonTree
from synth.seeds.quality import is_test_path
from synth.token_estimate import estimate_tokens

_LONGER = 2
"""A class may have so many times the tokens of a function."""


def cut_classes(file: SourceFile, *, max_tokens: int, screen: ScreenConfig) -> Iterator[SeedOrRejection]:
    """The classes of a file, in order."""
    if file.ref.language != "python" or re.search(r"^class\s", file.text, re.MULTILINE) is None:
        return
    tree = PythonTree(TreeNeighbours(file.ref, screen), file.ref.relative, file.text)
    if tree.index is None:
        return
    for name in class_names(tree.index):
        statement = tree.index.find(name)
        assert isinstance(statement, ast.ClassDef), "what class_names lists"
        text = tree.index.source(statement)
        start, end = statement.lineno, statement.end_lineno or statement.lineno
        ref = file.ref
        origin = Origin(
            source=ref.source,
            path=ref.relative,
            row=ref.row,
            start_line=start,
            end_line=end,
            licence=ref.licence,
        )
        if is_test_path(ref.relative):
            yield reject_seed(text, "python", origin, Reject("test_code", {"path": ref.relative}))
            continue
        closed = tree.close_class(name, _LONGER * max_tokens)
        if isinstance(closed, Reject):
            yield reject_seed(text, "python", origin, closed)
        elif (tokens := estimate_tokens(closed.code)) > _LONGER * max_tokens:
            reject = Reject("too_long", {"tokens": tokens, "limit": _LONGER * max_tokens})
            yield reject_seed(text, "python", origin, reject)
        else:
            seed = make_seed(closed.code, "python", origin, entry_point=name)
            yield seed.model_copy(update={"shape": "class"})
