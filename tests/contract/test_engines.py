"""The contract of every engine: the same suite on vLLM, on an OpenAI endpoint, on transformers, on recorded
answers, journalled, and on a function in the place of a model."""

import asyncio
from collections.abc import Iterator
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Any

import pytest

from synth.config import (
    EngineConfig,
    OpenaiEngineConfig,
    RecordedEngineConfig,
    SamplingConfig,
    TransformersEngineConfig,
)
from synth.errors import EngineError, Problem
from synth.generation.factory import create_engine
from synth.generation.journal import JournalledEngine
from synth.generation.openai_api import OpenaiApiEngine
from synth.generation.protocol import Completion, Engine, GenerationRequest
from synth.generation.scripted import ScriptedEngine
from synth.policy import Policy
from tests.builders import Run, build_question
from tests.contract.dialects import DIALECTS, dialect_endpoint
from tests.contract.forwarded_port import forward_port

if TYPE_CHECKING:
    from synth.generation.vllm_server import VllmServer

SERVED = ("vllm_server", "openai_api", "transformers_local", "journalled", "recorded")
KINDS = (*SERVED, "scripted", *DIALECTS)
QUESTIONS = tuple(f"Write f{number}(a, b)." for number in range(6))


ask = partial(build_question, max_tokens=12)
GREEDY = tuple(ask(question) for question in QUESTIONS)
SAMPLED = tuple(ask(QUESTIONS[0], n=4, seed=seed, temperature=1.0) for seed in (11, 12))
RAW = GenerationRequest(prompt="def add(a, b", sampling=SamplingConfig(temperature=0.0, max_tokens=8))
LONG = ask(QUESTIONS[0], max_tokens=40)
ALL = (*GREEDY, *SAMPLED, RAW, LONG)


def texts(response: Any) -> list[str]:  # noqa: ANN401
    """Without what is left of a character that the token limit cut in two: engines differ in whether they
    show it."""
    return [completion.text.rstrip("\ufffd") for completion in response.completions]


@pytest.fixture(scope="module", params=KINDS)
def engine(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, run: Run[Any]
) -> Iterator[Engine]:
    """Each engine in turn, serving the first tiny policy; scripted answers and dialects need no policy."""
    with ExitStack() as stack:
        made: Engine = ScriptedEngine(write_words)
        if request.param in DIALECTS:
            url = stack.enter_context(dialect_endpoint(request.param)).url
            made = OpenaiApiEngine(OpenaiEngineConfig(base_url=url, model="tiny", api_key_env=""))
        elif request.param != "scripted":
            server, policies = (
                request.getfixturevalue("vllm_server"),
                request.getfixturevalue("tiny_policies"),
            )
            run(server.load_policy(policies[0]))
            folder = tmp_path_factory.mktemp(request.param)
            made = make_engine(request.param, server, policies[0], folder, run)
        run(made.start())
        yield made
        run(made.close())


async def write_words(request: GenerationRequest) -> list[Completion] | EngineError:
    """What a small model would do: words drawn from question, seed and place, cut at the token limit."""
    question = request.prompt or request.messages[-1].content
    if len(question) > 5000:
        return EngineError(Problem("the request", "is too long", "ask a shorter question"), retryable=False)
    random = Random(f"{question} {request.seed}")
    texts = ["".join(random.choice("abcdefgh") for _ in range(60)) for _ in range(request.n)]
    limit = request.sampling.max_tokens
    return [Completion(text=text[:limit], finish="length", tokens=limit) for text in texts]


def make_engine(kind: str, server: "VllmServer", policy: Policy, folder: Path, run: Run[Any]) -> Engine:
    if kind == "vllm_server":
        return _Kept(server)
    if kind == "journalled":
        return JournalledEngine(_Kept(server), folder)
    if kind == "recorded":
        journal = JournalledEngine(_Kept(server), folder)
        run(gather(journal, ALL))
        run(journal.close())
    configs: dict[str, EngineConfig] = {
        "openai_api": OpenaiEngineConfig(base_url=f"{forward_port(server.socket)}/v1", model=server.served),
        "transformers_local": TransformersEngineConfig(batch_size=4),
        "recorded": RecordedEngineConfig(path=str(folder)),
    }
    return create_engine(configs[kind], policy=policy, log_folder=folder)


class _Kept:
    """The session's server, which a test may close as it closes others, and which lives on."""

    def __init__(self, server: "VllmServer") -> None:
        self._server = server
        self.start, self.generate, self.load_policy = server.start, server.generate, server.load_policy

    @property
    def fingerprint(self) -> str:
        return self._server.fingerprint

    async def close(self) -> None:
        """Nothing: the session closes it."""


async def gather(engine: Engine, requests: tuple[GenerationRequest, ...]) -> list[Any]:
    return list(await asyncio.gather(*(engine.generate(request) for request in requests)))


def test_each_answer_belongs_to_its_request_however_many_are_in_flight(engine: Engine, run: Run[Any]) -> None:
    together = run(gather(engine, GREEDY))
    assert [response.request_id for response in together] == [
        request.request_id(engine.fingerprint) for request in GREEDY
    ]
    alone = [run(engine.generate(request)) for request in GREEDY]
    assert [texts(response) for response in together] == [texts(response) for response in alone]
    assert len({texts(response)[0] for response in together}) > 1


def test_n_samples_differ_and_are_counted(engine: Engine, run: Run[Any]) -> None:
    response = run(engine.generate(SAMPLED[0]))
    assert len(response.completions) == 4
    assert len(set(texts(response))) > 1
    assert all(completion.tokens > 0 for completion in response.completions)
    assert sum(completion.tokens for completion in response.completions) <= 4 * 12
    assert response.prompt_tokens > 10
    assert response.fingerprint == engine.fingerprint


@pytest.mark.parametrize("engine", [kind for kind in KINDS if kind != "strict_keys"], indirect=True)
def test_the_same_seed_gives_the_same_samples_and_another_seed_gives_others(
    engine: Engine, run: Run[Any]
) -> None:
    first, again, other = (run(engine.generate(request)) for request in (SAMPLED[0], SAMPLED[0], SAMPLED[1]))
    assert texts(first) == texts(again)
    drawn = [text for response in (first, other) for text in texts(response) if len(text) > 5]
    assert len(set(drawn)) == len(drawn) > 4


def test_an_answer_that_the_token_limit_cuts_says_so(engine: Engine, run: Run[Any]) -> None:
    completion = run(engine.generate(GREEDY[0])).completions[0]
    assert completion.finish == "length" or completion.tokens < 12
    if completion.finish == "length":
        assert completion.tokens == 12


def test_a_longer_limit_continues_the_same_greedy_answer(engine: Engine, run: Run[Any]) -> None:
    short, long = run(engine.generate(GREEDY[0])), run(engine.generate(LONG))
    assert texts(long)[0].startswith(texts(short)[0])


def test_a_raw_prompt_is_continued(engine: Engine, run: Run[Any]) -> None:
    assert run(engine.generate(RAW)).completions[0].tokens > 0


def test_an_unanswerable_request_is_an_engine_error_and_the_engine_survives(
    engine: Engine, run: Run[Any]
) -> None:
    impossible = ask("word " * 3000)
    with pytest.raises(EngineError) as raised:
        run(engine.generate(impossible))
    assert raised.value.problems[0].fix
    assert run(engine.generate(GREEDY[0])).completions


@pytest.mark.parametrize("engine", SERVED, indirect=True)
def test_greedy_answers_are_the_same_text_as_from_vllm(
    engine: Engine, vllm_server: "VllmServer", run: Run[Any]
) -> None:
    """Also for transformers: greedy answers are those of the weights, whoever computes them."""
    assert [texts(r) for r in run(gather(engine, GREEDY))] == [
        texts(r) for r in run(gather(vllm_server, GREEDY))
    ]


@pytest.mark.parametrize("kind", ["openai_api", "transformers_local", "recorded", "journalled"])
def test_start_and_close_may_be_called_twice_and_a_closed_engine_refuses(
    kind: str,
    first_served: "VllmServer",
    tiny_policies: tuple[Policy, Policy],
    tmp_path: Path,
    run: Run[Any],
) -> None:
    engine = make_engine(kind, first_served, tiny_policies[0], tmp_path, run)
    run(engine.start())
    run(engine.start())
    assert run(engine.generate(GREEDY[0])).completions
    run(engine.close())
    run(engine.close())
    if kind != "journalled":  # its inner engine is the session's server, which stays open
        with pytest.raises(EngineError):
            run(engine.generate(GREEDY[1]))


@pytest.mark.parametrize("kind", ["vllm_server", "transformers_local", "journalled"])
def test_a_swapped_policy_answers_with_its_own_weights_from_then_on(
    kind: str,
    first_served: "VllmServer",
    tiny_policies: tuple[Policy, Policy],
    tmp_path: Path,
    run: Run[Any],
) -> None:
    engine = (
        first_served
        if kind == "vllm_server"
        else make_engine(kind, first_served, tiny_policies[0], tmp_path, run)
    )
    run(engine.start())
    first = run(gather(engine, GREEDY))
    seconds = run(engine.load_policy(tiny_policies[1]))
    second = run(gather(engine, GREEDY))
    run(engine.load_policy(tiny_policies[0]))
    third = run(gather(engine, GREEDY))
    assert seconds > 0
    assert all(texts(a) != texts(b) for a, b in zip(first, second, strict=True))
    assert [texts(response) for response in first] == [texts(response) for response in third]
    assert {response.fingerprint for response in second} == {tiny_policies[1].fingerprint}
    if kind == "transformers_local":
        run(engine.close())


def test_an_endpoint_that_is_not_ours_refuses_a_policy(
    first_served: "VllmServer", tiny_policies: tuple[Policy, Policy], tmp_path: Path, run: Run[Any]
) -> None:
    engine = make_engine("openai_api", first_served, tiny_policies[0], tmp_path, run)
    with pytest.raises(EngineError, match="kind: vllm_server"):
        run(engine.load_policy(tiny_policies[1]))


def test_what_a_model_thought_is_kept_beside_its_text_and_the_template_can_forbid_it(run: Run[Any]) -> None:
    async def both(url: str) -> list[Completion]:
        found = []
        for thinks in (True, False):
            body = {} if thinks else {"chat_template_kwargs": {"enable_thinking": False}}
            config = {"base_url": url, "model": "tiny", "api_key_env": "", "request": {"extra_body": body}}
            engine = OpenaiApiEngine(OpenaiEngineConfig.model_validate(config))
            await engine.start()
            found += [
                (await engine.generate(ask(QUESTIONS[0], max_tokens=limit))).completions[0]
                for limit in (12, 3)
            ]
            await engine.close()
        return found

    with dialect_endpoint("thinking_vllm") as endpoint:
        thought, cut, plain, short = run(both(endpoint.url))
    assert (len(thought.text), thought.reasoning, thought.tokens) == (7, "hm " * 5, 12)
    assert (cut.text, cut.reasoning, cut.finish, cut.tokens) == ("", "hm " * 3, "length", 3)
    assert (plain.reasoning, len(plain.text), short.reasoning) == ("", 12, "")
