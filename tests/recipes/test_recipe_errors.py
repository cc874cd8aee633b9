"""What a person reads when a recipe is wrong. Each test writes one mistake and expects its place, and what to
do."""

import shutil
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest
import yaml

from synth.config import Recipe
from synth.errors import Problem, RecipeError
from synth.recipe import load_recipe
from synth.recipe.machine import check_machine
from synth.recipe.names import check_names
from synth.resources import resource_folder

DATA = """
engine: {kind: vllm_server}
data:
  seeds: {kind: pocket, count: 8}
  instruct: {}
  solve: {n: 4}
"""


def problems_of(tmp_path: Path, text: str, overrides: Sequence[str] = ()) -> tuple[Problem, ...]:
    file = tmp_path / "recipe.yaml"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(RecipeError) as caught:
        load_recipe(file, overrides, machine=False)
    return caught.value.problems


def the_problem(tmp_path: Path, text: str, overrides: Sequence[str] = ()) -> Problem:
    problems = problems_of(tmp_path, text, overrides)
    assert len(problems) == 1, "\n".join(problem.render() for problem in problems)
    return problems[0]


def test_unknown_key_names_its_line_and_the_nearest_key(tmp_path: Path) -> None:
    problem = the_problem(tmp_path, "name: a\nsed: 3\n")
    assert problem.where.endswith("recipe.yaml:2: sed = 3")
    assert problem.fix == "write `seed`"


def test_key_in_the_wrong_block_is_told_where_it_belongs(tmp_path: Path) -> None:
    problem = the_problem(tmp_path, "name: a\nexecution: {kind: local, memory_mb: 99}\n")
    assert problem.fix == "move it to `execution.limits`"


def test_key_given_twice_is_an_error(tmp_path: Path) -> None:
    problem = the_problem(tmp_path, "name: a\nseed: 1\nseed: 2\n")
    assert problem.where.endswith(":3: seed")
    assert "line 2" in problem.message


def test_value_out_of_bounds_says_the_bound_and_a_value_that_works(tmp_path: Path) -> None:
    problem = the_problem(tmp_path, "name: a\nexecution:\n  kind: local\n  limits:\n    memory_mb: 0\n")
    assert problem.where.endswith(":5: execution.limits.memory_mb = 0")
    assert problem.message.startswith("must be at least 64 (")
    assert problem.fix == "memory_mb: 512 (the default)"


def test_scalar_where_a_list_is_wanted_is_shown_as_a_list(tmp_path: Path) -> None:
    problem = the_problem(tmp_path, "name: a\n" + DATA.replace("{n: 4}", "{languages: python}"))
    assert problem.fix == "languages: [python]"


def test_misspelt_kind_names_the_nearest_kind_and_no_second_error(tmp_path: Path) -> None:
    problem = the_problem(tmp_path, "name: a\n" + DATA.replace("vllm_server", "vlm_server"))
    assert problem.where.endswith("engine.kind = vlm_server")
    assert problem.fix == "kind: vllm_server"


def test_missing_kind_lists_the_choices(tmp_path: Path) -> None:
    problem = the_problem(tmp_path, "name: a\nexecution: {workers: 2}\n")
    assert "local, recorded" in problem.message
    assert problem.fix == "add `kind: local`"


def test_missing_key_says_what_it_means(tmp_path: Path) -> None:
    problem = the_problem(
        tmp_path, "name: a\nteacher:\n  kind: openai_api\n  base_url: http://localhost/v1\n"
    )
    assert (
        problem.message == "lacks the required key `model`: Name under which the endpoint serves the model."
    )


@pytest.mark.parametrize(
    ("role", "data", "asked"),
    [
        ("judge", "instruct: {}\n  solve: {}\n", False),
        ("tester", "instruct: {}\n  solve: {}\n", True),
        ("tester", "instruct: {}\n  solve: {}\n  inputs: {from_model: false}\n", False),
    ],
)
def test_an_engine_that_nothing_asks_is_said_to_be_so(
    tmp_path: Path, role: str, data: str, asked: bool
) -> None:
    engines = f"{role}: {{kind: vllm_server}}\nengine: {{kind: vllm_server}}\n"
    text = f"name: a\n{engines}data:\n  seeds: {{kind: pocket}}\n  {data}"
    if asked:
        (tmp_path / "recipe.yaml").write_text(text, encoding="utf-8")
        load_recipe(tmp_path / "recipe.yaml", machine=False)
    else:
        assert the_problem(tmp_path, text).message == "is asked by nothing in this recipe"


def test_a_renamed_key_is_told_its_new_name(tmp_path: Path) -> None:
    text = (
        "name: a\nengine: {kind: vllm_server}\ndata:\n  seeds: {kind: pocket}\n  instruct: {}\n  solve: {}\n"
    )
    problem = the_problem(tmp_path, f"{text}  pairs: {{max_rejected: 1}}\n")
    assert problem.where.endswith(":7: data.pairs.max_rejected = 1")
    assert problem.message == "is now called `min_gap`"
    assert problem.fix == "write `min_gap`"


def test_misspelt_block_is_one_error_not_two(tmp_path: Path) -> None:
    problem = the_problem(tmp_path, "name: a\n" + DATA.replace("engine:", "engin:"))
    assert problem.fix == "write `engine`"


def test_unknown_language_names_the_nearest(tmp_path: Path) -> None:
    problem = the_problem(tmp_path, "name: a\n" + DATA.replace("{n: 4}", "{languages: [pyton]}"))
    assert problem.where.endswith("data.solve.languages[0] = pyton")
    assert "python" in problem.fix


def test_path_that_is_not_there_is_relative_to_the_recipe(tmp_path: Path) -> None:
    (tmp_path / "rows.jsonl").write_text("")
    problem = the_problem(
        tmp_path, "name: a\n" + DATA.replace("{kind: pocket, count: 8}", "{kind: jsonl, path: row.jsonl}")
    )
    assert str(tmp_path / "row.jsonl") in problem.message
    assert str(tmp_path / "rows.jsonl") in problem.fix


def test_model_folder_without_config_is_not_a_model(tmp_path: Path) -> None:
    (tmp_path / "model").mkdir()
    problem = the_problem(tmp_path, "name: a\npolicy: {model: ./model}\n")
    assert "config.json" in problem.message


@pytest.mark.parametrize("model", ["a/b/c", "./nowhere", "has space"])
def test_model_that_is_neither_folder_nor_hub_id_is_refused(tmp_path: Path, model: str) -> None:
    assert the_problem(tmp_path, f"name: a\npolicy: {{model: {model}}}\n").where.endswith(
        f"policy.model = {model}"
    )


def test_all_problems_come_at_once_in_the_order_of_lines(tmp_path: Path) -> None:
    text = (
        "name: 'bad name'\nsed: 3\nengine: {kind: nothing}\npolicy: {model: ./no}\nevaluation: {n: 2, k: "
        "[1, 8], languages: [cobool]}\n"
    )
    problems = problems_of(tmp_path, text, ["loop.rounds=0"])
    places = [problem.where.rpartition("recipe.yaml:")[2].split(":")[0] for problem in problems]
    assert places[:-1] == ["1", "2", "3", "4", "5", "5"]
    assert problems[-1].where.startswith("--set loop.rounds=0: loop.rounds = 0")


def test_fix_of_a_flag_points_to_the_flag(tmp_path: Path) -> None:
    problem = the_problem(tmp_path, "name: a\n" + DATA, ["data.solve.n=many"])
    assert problem.where == "--set data.solve.n=many: data.solve.n = many"


@pytest.mark.parametrize("flag", ["foo", "=3", "a..b=1", "data.solve.n=[1", "name.first=x"])
def test_flag_that_cannot_be_applied_is_an_error(tmp_path: Path, flag: str) -> None:
    assert the_problem(tmp_path, "name: a\n", [flag]).where == f"--set {flag}"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "empty"),
        ("- a\n- b\n", "mapping"),
        ("name: a\n\tseed: 1\n", "is not valid YAML"),
        ("name: [a\n", "is not valid YAML"),
        ("name: a\n---\nname: b\n", "is not valid YAML"),
        ("name: !!python/object:os.system x\n", "cannot be read"),
        ("? [a, b]\n: c\nname: a\n", "plain words as keys"),
        ("name: a\ndata: &d {seeds: *d}\n", "an alias of itself"),
    ],
)
def test_file_that_is_no_recipe_gets_a_plain_error(tmp_path: Path, text: str, said: str) -> None:
    assert any(said in problem.message for problem in problems_of(tmp_path, text))


def test_file_that_is_not_utf8_gets_a_plain_error(tmp_path: Path) -> None:
    file = tmp_path / "recipe.yaml"
    file.write_bytes(b"name: \xff\xfe\n")
    with pytest.raises(RecipeError, match="UTF-8"):
        load_recipe(file)


def test_unknown_recipe_names_the_nearest(tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match="did you mean qwen2\\.5-coder/7b"):
        load_recipe("qwen2.5-coder/7")


@pytest.mark.parametrize(
    ("changes", "where"),
    [
        (["engine=null"], "data.instruct"),
        (["data.instruct=null"], "data.solve"),
        (["evaluation={n: 4, k: [1, 8]}"], "evaluation.k[1] = 8"),
        (["data.pairs={}", "data.solve.n=1", "data.evidence.min_reproductions=1"], "data.solve.n = 1"),
        (["data.pairs={min_rejected: 0.6, min_gap: 0.4}"], "data.pairs.min_rejected"),
        (["data.evidence.min_reproductions=9"], "data.evidence.min_reproductions = 9"),
        (["data.inputs={minimum: 20, maximum: 10}"], "data.inputs.minimum"),
        (["data.inputs={from_model: false, drawn: 2}"], "data.inputs.drawn"),
        (["data.solve.languages=[]"], "data.solve.languages"),
        (["data.solve.languages=[python, python]"], "data.solve.languages[1]"),
        (["dpo={}"], "dpo"),
        (["dpo={}", "data.pairs={}", "dpo.loss_weights=[1, 2]"], "dpo.loss_weights"),
        (["dpo={loss_type: [sigmoyd]}", "data.pairs={}"], "dpo.loss_type[0] = sigmoyd"),
        (["sft={}", "data={seeds: {kind: pocket}}"], "sft"),
        (["loop.rounds=2"], "loop.rounds = 2"),
        (["engine={kind: vllm_server, max_model_len: 200}"], "data.solve.sampling.max_tokens"),
        (
            ["engine={kind: vllm_server, max_model_len: 128}", "data.solve.sampling.max_tokens=64"],
            "data.inputs.sampling.max_tokens",
        ),
        (["execution={kind: local, limits: {cpu_s: 60, wall_s: 5}}"], "execution.limits.wall_s"),
        (["engine={kind: vllm_server, port: 8000}"], "engine.port"),
        (["engine={kind: vllm_server, extra_args: [--port, '8000']}"], "engine.extra_args"),
        (["teacher={kind: vllm_server, extra_args: [--served_model_name=x]}"], "teacher.extra_args"),
        (["engine={kind: vllm_server, extra_args: [--ssl-keyfile, x]}"], "engine.extra_args"),
        (
            ["teacher={kind: openai_api, base_url: http://x/v1, model: m, api_key_env: PROVIDER}"],
            "teacher.api_key_env = PROVIDER",
        ),
        (["execution={kind: e2b, api_key_env: PROVIDER}"], "execution.api_key_env = PROVIDER"),
        (["engine={kind: openai_api, base_url: http://x/v1, model: m}", "sft={}", "evaluation={}"], "engine"),
    ],
)
def test_contradictory_keys_are_an_error_with_their_place(
    tmp_path: Path, changes: list[str], where: str
) -> None:
    assert where in the_problem(tmp_path, "name: a\n" + DATA, changes).where


ENDPOINT = "{kind: openai_api, base_url: http://localhost/v1, model: m, api_key_env: ''"


@pytest.mark.parametrize(
    ("changes", "where"),
    [
        ([f"engine={ENDPOINT}, request: {{extra_body: {{n: 3}}}}}}"], "engine.request.extra_body.n"),
        ([f"engine={ENDPOINT}, request: {{headers: {{Host: x}}}}}}"], "engine.request.headers.Host"),
        ([f'teacher={ENDPOINT}, request: {{headers: {{a: "x\\ny"}}}}}}'], "teacher.request.headers.a"),
        ([f"engine={ENDPOINT}}}", "budget={usd: 5}"], "budget.usd"),
        (
            [f"teacher={ENDPOINT}}}", "budget={usd: 5}", "prices={engine: {input: 1, output: 2}}"],
            "budget.usd",
        ),
    ],
)
def test_what_cannot_be_sent_or_counted_is_an_error(tmp_path: Path, changes: list[str], where: str) -> None:
    assert where in the_problem(tmp_path, "name: a\n" + DATA, changes).where


def test_a_header_whose_variable_is_not_set_is_found_before_the_run(monkeypatch: pytest.MonkeyPatch) -> None:
    text = f"name: a\nengine: {ENDPOINT}, request: {{headers: {{X-Key: '${{MY_TOKEN}}'}}}}}}\n"
    recipe = Recipe.model_validate(yaml.safe_load(text))
    monkeypatch.delenv("MY_TOKEN", raising=False)
    [missing] = check_machine(recipe)
    assert (missing.paths, missing.fix) == ((("engine", "request", "headers", "X-Key"),), "export MY_TOKEN=…")
    monkeypatch.setenv("MY_TOKEN", "t")
    assert list(check_machine(recipe)) == []


def test_unknown_prompt_set_names_the_nearest(tmp_path: Path) -> None:
    problem = the_problem(tmp_path, "name: a\nprompts: defalt\n")
    assert problem.where.endswith(":2: prompts = defalt")
    assert problem.fix == "prompts: default"


def test_a_set_without_the_prompts_for_validators_cannot_serve_a_recipe_that_asks_for_them() -> None:
    text = "name: a\nprompts: pocket\n" + DATA + "  inputs: {validator: true, from_model: false}\n"
    said = [one.message for one in check_names(Recipe.model_validate(yaml.safe_load(text)))]
    assert any("inputs_validator.md must exist" in words for words in said), said


def test_prompt_set_without_a_needed_prompt_is_refused_before_anything_is_spent(tmp_path: Path) -> None:
    shutil.copytree(resource_folder("prompts") / "default", tmp_path / "mine")
    (tmp_path / "mine" / "instruct.md").unlink()
    solve = tmp_path / "mine" / "solve.md"
    solve.write_text(
        solve.read_text(encoding="utf-8").replace("declaration", "deklaration"), encoding="utf-8"
    )
    recipe = Recipe.model_validate(yaml.safe_load("name: a\nprompts: mine\n" + DATA))
    said = "\n".join(finding.message for finding in check_names(recipe, tmp_path))
    assert "prompts/mine/instruct.md must exist" in said
    assert "prompts/mine/solve.md needs the variable deklaration" in said


def test_missing_toolchain_is_an_error_with_the_command_that_installs_it() -> None:
    recipe = Recipe.model_validate(
        yaml.safe_load("name: a\n" + DATA.replace("{n: 4}", "{languages: [python, java]}"))
    )
    findings = [
        finding
        for finding in check_machine(recipe, lambda name: None)
        if finding.paths[0][:3] == ("data", "solve", "languages")
    ]
    assert [finding.paths[0][3] for finding in findings] == [0, 1]
    assert "cannot run on this machine: java" in findings[1].message
    assert "apt-get install" in findings[1].fix
    assert all(finding.fatal for finding in findings)


def test_a_recipe_for_e2b_reports_a_missing_package_or_key(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    recipe = Recipe.model_validate(yaml.safe_load("name: a\nexecution: {kind: e2b, api_key_env: MY_KEY}\n"))
    monkeypatch.delenv("E2B_DEBUG", raising=False)
    monkeypatch.delenv("MY_KEY", raising=False)
    monkeypatch.setitem(sys.modules, "e2b_code_interpreter", None)
    package, key = check_machine(recipe)
    assert package.fix == "pip install 'codemill[e2b]'"
    assert key.paths[0] == ("execution", "api_key_env")
    assert key.fix.startswith("export MY_KEY=")
    assert package.fatal and key.fatal
    monkeypatch.setenv("MY_KEY", "e2b_0")
    assert len(list(check_machine(recipe))) == 1


def test_a_recipe_says_when_the_package_of_its_engine_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    text = "name: a\nengine: {kind: transformers_local}\n"
    recipe = Recipe.model_validate(yaml.safe_load(text))
    assert list(check_machine(recipe)) == []
    monkeypatch.setitem(sys.modules, "transformers", None)
    [package] = check_machine(recipe)
    assert (package.paths, package.fatal) == ((("engine",),), True)
    assert package.fix == "pip install 'codemill[train]'"


def test_a_key_of_another_kind_of_its_block_says_which(tmp_path: Path) -> None:
    text = "name: x\n" + DATA + "execution: {kind: e2b, packages: {python: [numpy]}}\n"
    problem = the_problem(tmp_path, text)
    assert problem.message == "is a key of execution only where its kind is local"
    assert problem.fix == "remove it, or write `kind: local`"


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ("patience: 2", "does nothing, because no rows are held out"),
        ("eval_steps: 5", "does nothing, because no rows are held out"),
        ("eval_share: 0.1, eval_data: b.jsonl", "excludes `eval_share`"),
    ],
)
def test_what_is_measured_in_a_training_needs_held_out_rows(tmp_path: Path, keys: str, message: str) -> None:
    for name in ("a", "b"):
        (tmp_path / f"{name}.jsonl").write_text("{}\n")
    for section in ("sft: {{coarse: {{data: a.jsonl, {}}}}}", "dpo: {{data: a.jsonl, {}}}"):
        assert message in the_problem(tmp_path, f"name: a\n{section.format(keys)}\n").message


def test_a_run_holds_out_a_share_of_its_own_rows(tmp_path: Path) -> None:
    (tmp_path / "b.jsonl").write_text("{}\n")
    text = "name: a\n" + DATA + "sft: {coarse: {eval_data: b.jsonl}}\n"
    problem = the_problem(tmp_path, text)
    assert problem.message.startswith("is for `codemill sft`") and problem.fix == "eval_share: 0.05"
