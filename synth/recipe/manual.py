"""Writes what the recipe models say for people and for editors: docs/recipes.md and the JSON schema.

The one rule: it writes only what the models say; a test compares the committed page with this output.
"""

import json
from collections.abc import Iterator
from typing import Any

from pydantic import BaseModel
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from synth.config import Recipe
from synth.recipe.shape import Model, kind_of, models_in, type_text

_HEAD = """# Recipes

*Generated from `synth/config.py` by `codemill docs-recipes`. Do not edit by hand.*

A recipe is one YAML file that describes the whole factory or any part of it: a part that is left out is not
run. `codemill run RECIPE` takes a path or a name inside `recipes/`. Every key is checked before anything is
spent: an unknown key, a wrong type, a path that is not there, a language that this machine cannot run are all
reported at once.

- `--set a.b=value` changes one key for one run; the value is YAML:
  `--set data.solve.n=4 --set data.solve.languages=[python,java]`.
- Relative paths are relative to the recipe; those given by `--set` to the current folder.
- Scalars follow YAML 1.2: `true` and `false` are the only truth values, `3e-4` is a number.
- `codemill schema` prints the JSON schema. Editors with a YAML language server complete and check a recipe
  that begins with `# yaml-language-server: $schema=recipe.schema.json`.

The smallest recipe that does something:

```yaml
name: first
engine: {kind: vllm_server}
data:
  seeds: {kind: pocket, count: 64}
  instruct: {}
  solve: {n: 8}
```
"""


def recipe_schema() -> dict[str, Any]:
    """JSON schema of a recipe, for editors."""
    schema = Recipe.model_json_schema()
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema, "title": "codemill recipe"}


def recipe_manual() -> str:
    """The text of docs/recipes.md."""
    blocks = [_block("The recipe", Recipe, "")]
    blocks += [_block(_title(path, model), model, path) for path, model in _nested(Recipe, "", [])]
    return "\n".join([_HEAD, *blocks])


def _nested(model: Model, above: str, done: list[Model]) -> Iterator[tuple[str, Model]]:
    """Every model below this one, once, with the path where it first stands."""
    for name, field in model.model_fields.items():
        path = f"{above}.{name}".lstrip(".")
        for inner in models_in(field.annotation):
            if inner not in done:
                done.append(inner)
                yield path, inner
                yield from _nested(inner, path, done)


def _title(path: str, model: Model) -> str:
    kind = kind_of(model)
    return f"`{path}` of kind `{kind}`" if kind else f"`{path}`"


def _block(title: str, model: Model, path: str) -> str:
    lines = [
        f"## {title}",
        "",
        (model.__doc__ or "").strip(),
        "",
        "| key | value | default | meaning |",
        "|---|---|---|---|",
    ]
    lines += [_row(name, field) for name, field in model.model_fields.items()]
    return "\n".join([*lines, ""])


def _row(name: str, field: FieldInfo) -> str:
    meaning = "Selects this block." if name == "kind" else field.description or ""
    cells = (f"`{name}`", _values(field), _default(field), meaning)
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def _values(field: FieldInfo) -> str:
    models = models_in(field.annotation)
    kinds = [kind for model in models if (kind := kind_of(model))]
    words = f"block of kind {', '.join(kinds)}" if kinds else type_text(field.annotation)
    bounds = ", ".join(text for item in field.metadata if (text := _bound(item)))
    return f"{words}, {bounds}" if bounds else words


def _bound(item: object) -> str:
    signs = {"ge": "≥", "gt": ">", "le": "≤", "lt": "<"}
    return next(
        (
            f"{sign} {getattr(item, name):g}"
            for name, sign in signs.items()
            if getattr(item, name, None) is not None
        ),
        "",
    )


def _default(field: FieldInfo) -> str:
    if field.default is PydanticUndefined:
        return "**required**"
    if field.default is None:
        return "left out"
    if isinstance(field.default, BaseModel):
        given = field.default.model_dump(mode="json", exclude_unset=True)
        return f"`{json.dumps(given)}`" if given else "its defaults"
    value = list(field.default) if isinstance(field.default, tuple) else field.default
    return f"`{json.dumps(value)}`"
