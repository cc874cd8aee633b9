"""Whatever stands in a recipe, the answer is a recipe or a RecipeError with places: never another
exception."""

from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from synth.errors import RecipeError
from synth.recipe import load_recipe
from synth.recipe.source import lookup, read_document

TEXT = (Path(__file__).resolve().parents[2] / "recipes/qwen2.5-coder/7b.yaml").read_text(encoding="utf-8")
KEYS = sorted(
    {".".join(map(str, path)) for path in read_document(TEXT, "x").places if path}
    | {"nothing", "data.nothing.more", "data.solve.n.deep"}
)
VALUES = [
    "",
    "null",
    "-1",
    "0",
    "1e999",
    ".nan",
    "text",
    "[]",
    "[1, [2]]",
    "{}",
    "{kind: x}",
    "{kind: [a]}",
    "true",
    "'\\0'",
    "~",
    "[null]",
    "9" * 30,
]


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(st.sampled_from(KEYS), st.sampled_from(VALUES)), min_size=1, max_size=4))
def test_any_flags_give_a_recipe_or_a_recipe_error(tmp_path: Path, changes: list[tuple[str, str]]) -> None:
    file = tmp_path / "recipe.yaml"
    file.write_text(TEXT, encoding="utf-8")
    try:
        load_recipe(file, [f"{key}={value}" for key, value in changes], machine=False)
    except RecipeError as error:
        assert error.problems
        assert all(problem.where and problem.message and problem.fix for problem in error.problems)


@settings(max_examples=300, deadline=None)
@given(st.text(max_size=60) | st.text(alphabet="ab:-[]{}&*!?|>'\"#% \n\t,1.", max_size=60))
def test_any_text_is_read_or_explained(text: str) -> None:
    document = read_document(text, "x.yaml")
    assert document.problems or document.data or lookup(document.data, ()) == {}
