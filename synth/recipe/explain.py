"""Turns pydantic's errors into problems that a person can fix: place, found, expected, fix.

Second step of loading a recipe. The one rule: one problem per place, however many types of a union
rejected the value.
"""

import difflib
import json
from collections.abc import Iterable, Sequence

from pydantic import ValidationError
from pydantic_core import ErrorDetails, PydanticUndefined

from synth.errors import Problem
from synth.recipe.shape import Model, field_at, kind_of, model_at, models_in, type_text
from synth.recipe.source import SEE, Document, KeyPath, Plain, key_text

RENAMED_KEYS = {"max_rejected": "min_gap"}
"""Keys of earlier versions, with their current names."""


def nearest(word: str, known: Iterable[str]) -> str | None:
    """The most similar known word, or None."""
    words = list(known)
    by_lower = {name.lower(): name for name in words}
    found = difflib.get_close_matches(word.lower(), by_lower, n=1, cutoff=0.6)
    return (
        by_lower[found[0]]
        if found
        else next((name for name in words if word and name.startswith(word)), None)
    )


def error_paths(document: Document, root: Model, error: ValidationError) -> dict[KeyPath, list[ErrorDetails]]:
    """pydantic's errors, grouped by path in the data."""
    grouped: dict[KeyPath, list[ErrorDetails]] = {}
    for detail in error.errors(include_url=False):
        grouped.setdefault(_data_path(root, document.data, detail), []).append(detail)
    return grouped


def _data_path(root: Model, data: Plain, detail: ErrorDetails) -> KeyPath:
    """The path without the names of union members that pydantic inserts. A missing or unknown key keeps
    its last part."""
    path: KeyPath = ()
    holder: Plain = data
    for part in detail["loc"]:
        if isinstance(holder, dict) and part in holder:
            holder, path = holder[str(part)], (*path, part)
        elif isinstance(holder, list) and isinstance(part, int) and part < len(holder):
            holder, path = holder[part], (*path, part)
        elif detail["type"] == "missing" and part == detail["loc"][-1]:
            path = (*path, part)
    return path


def explain(document: Document, root: Model, path: KeyPath, details: Sequence[ErrorDetails]) -> Problem:
    """One problem for all errors at one path."""
    kind = details[0]["type"]
    if kind == "extra_forbidden":
        return _unknown_key(document, root, path)
    if kind == "missing":
        return _missing_key(document, root, path)
    if kind in ("union_tag_not_found", "union_tag_invalid"):
        return _wrong_kind(document, root, path)
    expected = _expectation(document, root, path, details)
    return Problem(document.where(path), expected, _suggest(document, root, path, details), SEE)


def _unknown_key(document: Document, root: Model, path: KeyPath) -> Problem:
    model = model_at(root, document.data, path[:-1])
    known = list(model.model_fields) if model is not None else []
    key = str(path[-1])
    renamed = RENAMED_KEYS.get(key)
    close = renamed if renamed in known else nearest(key, known)
    inside = key_text(path[:-1]) or "a recipe"
    elsewhere = None if close else _path_of_field(root, key)
    if elsewhere == inside and (kinds := _kinds_with(root, document.data, path)):
        what = f"is a key of {inside} only where its kind is {' or '.join(kinds)}"
        return Problem(document.where(path), what, f"remove it, or write `kind: {kinds[0]}`", SEE)
    fix = (
        f"write `{close}`"
        if close
        else f"move it to `{elsewhere}`"
        if elsewhere
        else f"remove it; the known keys are: {', '.join(known)}"
    )
    what = f"is now called `{renamed}`" if close and close == renamed else f"is not a key of {inside}"
    return Problem(document.where(path), what, fix, SEE)


def _kinds_with(root: Model, data: Plain, path: KeyPath) -> list[str]:
    """The other kinds of a block that have its last key."""
    field = field_at(root, data, path[:-1])
    models = models_in(field.annotation) if field is not None else ()
    return [kind for model in models if path[-1] in model.model_fields and (kind := kind_of(model))]


def _path_of_field(root: Model, key: str, above: str = "", depth: int = 4) -> str | None:
    """Where in the recipe a key of that name belongs, if it was written in the wrong block."""
    for name, field in root.model_fields.items() if depth else ():
        if above and name == key:
            return above
        for model in models_in(field.annotation):
            found = _path_of_field(model, key, f"{above}.{name}".lstrip("."), depth - 1)
            if found:
                return found
    return None


def _missing_key(document: Document, root: Model, path: KeyPath) -> Problem:
    field = field_at(root, document.data, path)
    meaning = f": {field.description}" if field is not None and field.description else ""
    annotation = type_text(field.annotation) if field is not None else "value"
    return Problem(
        document.where(path),
        f"lacks the required key `{path[-1]}`{meaning}",
        f"add `{path[-1]}:` with a {annotation}",
        SEE,
    )


def _wrong_kind(document: Document, root: Model, path: KeyPath) -> Problem:
    field = field_at(root, document.data, path)
    kinds = (
        [kind for model in models_in(field.annotation) if (kind := kind_of(model))]
        if field is not None
        else []
    )
    block = document.data
    for part in path:
        # the path exists in the data
        block = block[part] if isinstance(block, dict) else {}  # type: ignore[index,assignment]
    found = block.get("kind") if isinstance(block, dict) else None
    if found is None:
        return Problem(
            document.where(path),
            f"lacks the required key `kind`: one of {', '.join(kinds)}",
            f"add `kind: {kinds[0] if kinds else '…'}`",
            SEE,
        )
    return Problem(
        document.where((*path, "kind")),
        f"must be one of {', '.join(kinds)}",
        f"kind: {nearest(str(found), kinds) or (kinds[0] if kinds else '…')}",
        SEE,
    )


def _expectation(document: Document, root: Model, path: KeyPath, details: Sequence[ErrorDetails]) -> str:
    field = field_at(root, document.data, path)
    meaning = f" ({field.description.rstrip('.')})" if field is not None and field.description else ""
    words = dict.fromkeys(_one_expectation(detail) for detail in details)
    return (
        " or ".join(word if index == 0 else word.removeprefix("must be ") for index, word in enumerate(words))
        + meaning
    )


def _one_expectation(detail: ErrorDetails) -> str:
    context = detail.get("ctx", {})
    bounds = {
        "greater_than": "must be greater than {gt}",
        "greater_than_equal": "must be at least {ge}",
        "less_than": "must be less than {lt}",
        "less_than_equal": "must be at most {le}",
        "literal_error": "must be one of {expected}",
        "string_pattern_mismatch": "must match {pattern}",
    }
    if detail["type"] in bounds:
        return bounds[detail["type"]].format(**context)
    for prefix, words in _TYPE_WORDS.items():
        if detail["type"].startswith(prefix):
            return f"must be {words}"
    return detail["msg"][:1].lower() + detail["msg"][1:]


_TYPE_WORDS = {
    "int_": "a whole number",
    "float_": "a number",
    "finite": "a finite number",
    "bool_": "true or false",
    "string_": "a text",
    "tuple_": "a list",
    "model_": "a block of keys and values",
    "dict_": "a block of keys and values",
}


def _suggest(document: Document, root: Model, path: KeyPath, details: Sequence[ErrorDetails]) -> str:
    """A value to write instead."""
    key = str(path[-1]) if path else ""
    detail, found = details[0], details[0]["input"]
    if detail["type"] == "literal_error":
        allowed = [
            word.strip("'") for word in str(detail["ctx"]["expected"]).replace(" or ", ", ").split(", ")
        ]
        return f"{_key_prefix(path)}{nearest(str(found), allowed) or allowed[0]}"
    if detail["type"].startswith("tuple_") and isinstance(found, str | int | float):
        return f"{key}: [{found}]"
    field = field_at(root, document.data, path)
    if (
        field is not None
        and field.default is not PydanticUndefined
        and isinstance(field.default, str | int | float | bool | tuple)
    ):
        return f"{key}: {_yaml_text(field.default)} (the default)"
    bound = next((detail["ctx"][name] for name in ("ge", "le") if name in detail.get("ctx", {})), None)
    if bound is not None:
        return f"{_key_prefix(path)}{bound}"
    expected = _one_expectation(detail)
    return (
        f"write {expected.removeprefix('must be ')}"
        if expected.startswith("must be ")
        else f"correct `{key}`"
    )


def _key_prefix(path: KeyPath) -> str:
    return f"{path[-1]}: " if path and isinstance(path[-1], str) else ""


def _yaml_text(value: object) -> str:
    if isinstance(value, tuple):
        return "[" + ", ".join(_yaml_text(item) for item in value) + "]"
    return json.dumps(value) if isinstance(value, bool) or value is None or value == "" else str(value)
