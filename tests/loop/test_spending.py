"""What a run spends: counted from the journals whatever happens, and never far above its budget."""

import asyncio
import json
from pathlib import Path

import pytest

from benchmarks.resume.command import hash_products, run_to_end
from posttrain.loop.spending import HOURS, Spending, price_of, usage_figures
from synth.config import Recipe
from synth.errors import BudgetSpentError
from synth.generation.journal import JournalledEngine
from synth.generation.ledger import Usage
from synth.generation.protocol import Completion, GenerationRequest
from synth.generation.responses import ResponseFiles
from synth.generation.scripted import ScriptedEngine
from synth.spending_config import PriceConfig
from synth.store.run_folder import RunIdentity, RunState, read_info
from tests.builders import build_question
from tests.loop.conftest import NAME, Uninterrupted, quickstart
from tests.loop.recorded_endpoint import MODEL, recorded_endpoint
from tests.recordings.record import FOLDER, Recording

USED = Usage(prompt_tokens=2_000_000, completion_tokens=1_000_000, cached_tokens=500_000, reasoning_tokens=7)


def test_money_is_what_the_table_says() -> None:
    plain = PriceConfig(input=2.0, output=10.0)
    assert price_of(USED, plain) == 2 * 2.0 + 10.0
    assert (
        price_of(USED, PriceConfig(input=2.0, output=10.0, cached_input=0.2)) == 1.5 * 2.0 + 0.5 * 0.2 + 10.0
    )
    assert price_of(USED, None) is None
    assert "usd" not in usage_figures(USED, None)
    assert usage_figures(USED, plain)["usd"] == 14.0


def test_each_role_is_counted_by_itself_and_the_budget_is_for_all(tmp_path: Path) -> None:
    recipe = Recipe.model_validate(
        {"name": "a", "budget": {"tokens": 60}, "prices": {"teacher": {"input": 1, "output": 1}}}
    )
    spending = Spending(recipe, tmp_path)

    async def work() -> None:
        for role, count in (("engine", 1), ("teacher", 2)):
            engine = JournalledEngine(ScriptedEngine(answer_in_words), tmp_path / "journal" / role)
            spending.watch(role, engine)
            for number in range(count):
                await engine.generate(build_question(f"q{number}"))
            await engine.close()

    asyncio.run(work())
    figures = spending.figures()
    assert {role: one["completion_tokens"] for role, one in figures.items()} == {"engine": 20, "teacher": 40}
    assert ("usd" in figures["engine"], "usd" in figures["teacher"]) == (False, True)
    with pytest.raises(BudgetSpentError, match="of 60 tokens"):
        spending.admit()


def answer_in_words(request: GenerationRequest) -> list[Completion]:
    return [Completion(text="a", finish="stop", tokens=20)]


def test_budget_and_prices_change_no_run() -> None:
    recipe = Recipe(name="a")
    other = Recipe.model_validate(
        {"name": "a", "budget": {"usd": 1}, "prices": {"engine": {"input": 1, "output": 2}}}
    )
    assert RunIdentity.of_recipe(recipe, {}) == RunIdentity.of_recipe(other, {})


def test_hours_of_earlier_processes_count_also_of_one_that_was_killed(tmp_path: Path) -> None:
    now = [1000.0]
    recipe = Recipe.model_validate({"name": "a", "budget": {"hours": 1.0}})
    first = Spending(recipe, tmp_path, lambda: now[0])
    for _ in range(6):  # and then it is killed
        now[0] += 400.0
        first.admit()
    with (tmp_path / HOURS).open("a", encoding="utf-8") as log:
        log.write('{"process": 99')
    now[0] += 10_000
    second = Spending(recipe, tmp_path, lambda: now[0])
    now[0] += 1199.0
    second.admit()
    now[0] += 2.0
    with pytest.raises(BudgetSpentError, match=r"budget.hours\n  is spent: 1.00 of 1 hours"):
        second.admit()


def test_a_run_ends_in_order_when_its_budget_is_spent_and_goes_on_with_a_larger_one(
    recording: Recording, uninterrupted: Uninterrupted, tmp_path: Path
) -> None:
    with recorded_endpoint(recording, FOLDER, delay_s=0.02) as endpoint:
        engine = (
            f"{{kind: openai_api, base_url: '{endpoint.url}', model: {MODEL}, api_key_env: '', "
            f"concurrency: 4, max_retries: 0}}"
        )
        prices = "prices.engine={input: 1.0, output: 4.0}"
        poor = run_to_end(quickstart(tmp_path, engine, ("budget.tokens=3000", prices)), tmp_path / "log")
        assert poor.code == 1, poor.output
        assert "budget.tokens\n  is spent: " in poor.output
        assert "Traceback" not in poor.output
        assert read_info(tmp_path / NAME).state is RunState.INTERRUPTED
        usage = ResponseFiles(tmp_path / NAME / "journal").usage
        spent = usage.prompt_tokens + usage.completion_tokens
        assert 3000 <= spent < 3000 + 4 * 1500, "only what was open is finished"
        assert len(ResponseFiles(tmp_path / NAME / "journal")) == len(endpoint.arrived)
        again = run_to_end(quickstart(tmp_path, engine, ("budget.tokens=3000", prices)), tmp_path / "log-2")
        assert again.code == 1, again.output
        rich = run_to_end(
            quickstart(tmp_path, engine, ("budget={tokens: 10000000, usd: 50.0}", prices)), tmp_path / "log-3"
        )
    assert rich.code == 0, rich.output
    assert len(endpoint.arrived) == len(set(endpoint.arrived)), "nothing was paid for twice"
    assert hash_products(tmp_path / NAME) == uninterrupted.products
    figures = json.loads((tmp_path / NAME / "logs" / "figures.jsonl").read_text("utf-8").splitlines()[-1])
    whole = ResponseFiles(tmp_path / NAME / "journal").usage
    tokens = figures["tokens"]["engine"]
    assert (tokens["prompt_tokens"], tokens["completion_tokens"]) == (
        whole.prompt_tokens,
        whole.completion_tokens,
    )
    assert tokens["usd"] == round((whole.prompt_tokens + 4 * whole.completion_tokens) / 1e6, 6)
    assert f"tokens of the engine: {whole.prompt_tokens:,} in prompts" in rich.output
