"""Inspects the recipe models: which model and which field belong to a path. Error messages and the
manual use it.

The one rule: the models are the only description of a recipe; nothing about them is written down twice.
"""

import types
from collections.abc import Iterator
from typing import Annotated, Literal, TypeGuard, Union, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from synth.recipe.source import KeyPath, Plain

Model = type[BaseModel]

_WORDS = {int: "whole number", float: "number", str: "text", bool: "true or false"}


def alternatives(annotation: object) -> Iterator[object]:
    """The members of a union, through Annotated; a single type is its own only member. Null is left out."""
    origin = get_origin(annotation)
    if origin is Annotated:
        yield from alternatives(get_args(annotation)[0])
    elif origin in (Union, types.UnionType):
        for member in get_args(annotation):
            yield from alternatives(member)
    elif annotation is not type(None):
        yield annotation


def is_model(annotation: object) -> TypeGuard[Model]:
    return isinstance(annotation, type) and issubclass(annotation, BaseModel)


def models_in(annotation: object) -> list[Model]:
    """The models among the members of an annotation, those of a list's items included."""
    members = [
        get_args(member)[0] if get_origin(member) is tuple else member for member in alternatives(annotation)
    ]
    return [member for member in members if is_model(member)]


def kind_of(model: Model) -> str | None:
    """The value of `kind` that selects this model in a union; None when it has no such field."""
    field = model.model_fields.get("kind")
    values = (
        get_args(field.annotation) if field is not None and get_origin(field.annotation) is Literal else ()
    )
    return str(values[0]) if len(values) == 1 else None


def select(annotation: object, data: Plain) -> Model | None:
    """The model that the data means: the only one, or the one whose `kind` the data names."""
    models = models_in(annotation)
    if len(models) == 1:
        return models[0]
    kind = data.get("kind") if isinstance(data, dict) else None
    return next((model for model in models if kind_of(model) == kind), None)


def field_at(root: Model, data: Plain, path: KeyPath) -> FieldInfo | None:
    """The field that the path names; None for positions inside lists and for unknown keys."""
    holder = model_at(root, data, path[:-1]) if path else None
    return (
        holder.model_fields.get(str(path[-1])) if holder is not None and isinstance(path[-1], str) else None
    )


def model_at(root: Model, data: Plain, path: KeyPath) -> Model | None:
    """The model of the value at the path; None where no model stands."""
    model: Model | None = root
    for part in path:
        if isinstance(part, int):  # an item of a list of blocks, whose model is known by now
            data = data[part] if isinstance(data, list) and part < len(data) else None
            continue
        field = model.model_fields.get(str(part)) if model is not None else None
        data = data.get(str(part)) if isinstance(data, dict) else None
        model = select(field.annotation, data) if field is not None else None
    return model


def type_text(annotation: object) -> str:
    """A type in words for people: `whole number`, `list of texts`, `one of a, b`."""
    return " or ".join(dict.fromkeys(_member_text(member) for member in alternatives(annotation)))


def _member_text(member: object) -> str:
    if member in _WORDS:
        return _WORDS[member]
    if get_origin(member) is Literal:
        values = [str(value) for value in get_args(member)]
        return values[0] if len(values) == 1 else "one of " + ", ".join(values)
    if get_origin(member) is tuple:
        inner = type_text(get_args(member)[0])
        return (
            f"list of {inner}s"
            if inner in ("text", "number", "whole number", "block")
            else f"list of {inner}"
        )
    if get_origin(member) is dict:
        return "names with values"
    if is_model(member):
        return "block"
    return str(member)
