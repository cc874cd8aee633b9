"""Fill-in-the-middle samples in the flow: which texts are cut, how often, and in which format."""

import pytest

from synth.filters.benchmarks import BenchmarkEntry
from synth.filters.exact_dedup import ExactDedup
from synth.ids import derive_random, unit_id
from synth.products import FimSample, Sample
from synth.records import Decision, Origin, Seed, SourceText, Unit
from synth.rules.fim_cut import SPECIAL_TOKEN, ContextFile, FimLimits, make_fim, make_repository_fim
from synth.seeds.protocol import make_seed
from synth.stages.filter import FilterStage
from synth.stages.fim import FimStage
from synth.stages.select import SelectStage
from synth.stages.snippet import SnippetSource
from synth.token_estimate import estimate_tokens
from tests.builders import build_sample, build_seed, build_solution
from tests.stages.harness import (
    StagePlace,
    StageRun,
    build_context,
    build_shard,
    describe_stage,
    find_entering,
    run_stage,
)

PROGRAM = (
    "def {name}(values):\n"
    "    {name}_best = values[0]\n"
    "    for value in values:\n"
    "        if value > {name}_best:\n"
    "            {name}_best = value + {name}_step\n"
    "    return {name}_best * {name}_scale\n"
)


def build_file(name: str, **fields: object) -> SourceText:
    """A Python file of its own in the repository `shop`."""
    text = PROGRAM.format(name=name)
    defaults = {"repository": "shop", "path": f"{name}.py", "language": "python", "text": text}
    told = {**defaults, **fields}
    return SourceText.model_validate({"id": unit_id("file", told["repository"], told["path"]), **told})


def id_of(name: str) -> str:
    """The id of that file of the shop."""
    return unit_id("file", "shop", f"{name}.py")


def build_accepted(file: SourceText, first: int = 1, last: int = 0) -> Seed:
    """The file as an accepted seed: all its lines, or those."""
    lines = {"start_line": first, "end_line": last or file.text.count("\n") + 1}
    origin = Origin(source=file.repository, path=file.path, **lines)
    return make_seed(file.text, file.language, origin)


def build_stage(filters: dict[str, object] | None = None, **fim: object) -> FimStage:
    return FimStage(build_context({"fim": fim, "filters": filters or {}}), SnippetSource)


def accepted(*units: Unit) -> tuple[Unit, ...]:
    """The units, with all files accepted as seeds."""
    return (*units, *(build_accepted(one) for one in units if isinstance(one, SourceText)))


def row_tokens(sample: FimSample) -> int:
    """The estimated tokens of a row, in which a special token is one."""
    return estimate_tokens(SPECIAL_TOKEN.sub("", sample.text)) + len(SPECIAL_TOKEN.findall(sample.text))


def cut(*units: Unit, filters: dict[str, object] | None = None, **fim: object) -> StageRun:
    return run_stage(build_stage(filters, **fim), build_shard(*accepted(*units)))


def expect(file: SourceText, attempt: int = 0, share: float = 0.6) -> object:
    """The sample in file format that the recipe's random seed gives this file."""
    random = derive_random(7, "fim", file.id, attempt)
    return make_fim(file.text, file.language, random, source_id=file.id, limits=FimLimits(share))


def expect_in_repository(file: SourceText, attempt: int, *context: SourceText, share: float = 0.6) -> object:
    """The sample in repository format, after these files."""
    files = [ContextFile(one.path, one.text) for one in context]
    random, limits = derive_random(7, "fim", file.id, attempt), FimLimits(share)
    return make_repository_fim(
        "shop", files, file.path, file.text, file.language, random, source_id=file.id, limits=limits
    )


def test_it_comes_after_what_its_flow_says_and_cuts_in_order() -> None:
    place = StagePlace("fim", Unit, ("snippet",), (FimSample,), ordered=True)
    assert describe_stage(build_stage()) == place


def test_a_file_becomes_a_sample_and_has_a_row() -> None:
    file = build_file("best")
    run = cut(file)
    assert run.made(FimSample) == [expect(file)]
    row = run.rows[file.id]
    assert (row.kind, row.parents, row.language) == ("file", (), "python")
    assert run.decision(file.id) == (Decision.KEPT, "")
    assert run.evidence(file.id) == {"samples": 1}


def test_a_shard_with_files_cuts_no_samples() -> None:
    run = cut(build_file("best"), build_sample("m1", code=PROGRAM.format(name="other")))
    assert list(run.rows) == [id_of("best")]


def test_a_shard_without_files_cuts_the_programs_of_its_samples() -> None:
    sample = build_sample("m1", code=PROGRAM.format(name="best").rstrip("\n"))
    run = cut(sample)
    (made,) = run.made(FimSample)
    assert made.program == PROGRAM.format(name="best")
    assert made.source_id == "m1"
    assert made.text.startswith("<|fim_prefix|>")
    row = run.rows["m1"]
    assert (row.kind, row.parents, row.language) == ("sample", (sample.solution_id,), "python")


@pytest.mark.parametrize("count", [1, 2, 5])
def test_the_recipe_says_how_often_a_text_is_cut(count: int) -> None:
    file = build_file("best")
    run = cut(file, per_source=count)
    expected = {sample.id: sample for at in range(count) if isinstance(sample := expect(file, at), FimSample)}
    assert run.made(FimSample) == list(expected.values())
    assert run.evidence(file.id) == {"samples": len(expected)}


def test_one_cut_that_comes_twice_is_one_sample() -> None:
    file = build_file("tiny", text="x = f(1)\n")
    run = cut(file, per_source=20, max_middle_share=0.9)
    ids = [sample.id for sample in run.made(FimSample)]
    assert 0 < len(ids) == len(set(ids)) < 20


def test_the_recipe_says_how_long_a_middle_may_be() -> None:
    file = build_file("best")
    assert cut(file, max_middle_share=0.1).made(FimSample) == [expect(file, share=0.1)]
    assert expect(file, share=0.1) != expect(file)


@pytest.mark.parametrize(
    ("text", "reason"),
    [("def f(:\n", "parse_error"), ("x", "no_fim_span"), ("x = '<|im_end|>' + f(1)\n", "special_tokens")],
)
def test_a_text_that_cannot_be_cut_has_its_reason(text: str, reason: str) -> None:
    run = cut(build_file("bad", text=text), build_file("good"))
    assert run.decision(id_of("bad")) == (Decision.REJECTED, reason)
    assert run.decision(id_of("good")) == (Decision.KEPT, "")
    assert [sample.source_id for sample in run.made(FimSample)] == [id_of("good")]


def test_a_text_is_cut_once_whatever_its_comments_in_all_shards() -> None:
    stage = build_stage()
    first = run_stage(stage, build_shard(*accepted(build_file("best"))))
    twin = build_file("twin", text="# the same\n" + PROGRAM.format(name="best"))
    second = run_stage(stage, build_shard(*accepted(twin)))
    assert len(first.made(FimSample)) == 1
    assert second.decision(twin.id) == (Decision.REJECTED, "exact_duplicate")
    assert second.evidence(twin.id) == {"twin": id_of("best")}
    assert second.made(FimSample) == []


LONG = "".join(PROGRAM.format(name=name) for name in ("first", "second", "third"))
NEAR = LONG.replace("first_best = value + first_step", "first_best = value + 1 * first_step")


@pytest.mark.parametrize(
    ("filters", "reason"),
    [
        ({}, "near_duplicate"),
        ({"near_dedup_threshold": 0.99}, ""),
        ({"near_dedup": False}, ""),
    ],
)
def test_a_file_that_is_nearly_the_same_is_cut_once_as_far_as_the_recipe_asks(
    filters: dict[str, object], reason: str
) -> None:
    run = cut(build_file("one", text=LONG), build_file("two", text=NEAR), filters=filters)
    assert [row.reason for row in run.rows.values()] == ["", reason]


def test_samples_have_met_the_filter_of_near_duplicates_before() -> None:
    run = cut(build_sample("m1", code=LONG), build_sample("m2", code=NEAR), build_sample("m3", code=LONG))
    assert [row.reason for row in run.rows.values()] == ["", "", "exact_duplicate"]


def test_every_second_cut_of_a_file_shows_the_files_before_it() -> None:
    files = [build_file(name) for name in ("one", "two", "three")]
    run = cut(*files, per_source=4, repository_format=True)
    one, two, three = files
    expected = {
        sample.id: sample
        for sample in (
            *(expect(one, at) for at in range(4)),
            *(expect(two, 0), expect_in_repository(two, 1, one)),
            *(expect(two, 2), expect_in_repository(two, 3, one)),
            *(expect(three, 0), expect_in_repository(three, 1, one, two)),
            *(expect(three, 2), expect_in_repository(three, 3, one, two)),
        )
        if isinstance(sample, FimSample)
    }
    assert run.made(FimSample) == list(expected.values())
    heads = [sample.text.count("<|file_sep|>") for sample in run.made(FimSample) if "<|repo" in sample.text]
    assert heads == [2, 2, 3, 3]


def test_the_longest_middle_is_the_same_in_both_formats() -> None:
    one, two = build_file("one"), build_file("two")
    run = cut(one, two, per_source=2, repository_format=True, max_middle_share=0.1)
    expected = expect_in_repository(two, 1, one, share=0.1)
    assert run.made(FimSample)[-1] == expected != expect_in_repository(two, 1, one)


def test_a_text_that_was_cut_before_a_refusal_is_kept() -> None:
    """The name of a repository is read in its format alone."""
    files = [build_file(name, repository="<|im_end|>") for name in ("one", "two")]
    run = cut(*files, per_source=2, repository_format=True)
    assert run.decision(files[1].id) == (Decision.KEPT, "")
    assert run.evidence(files[1].id) == {"samples": 1}
    assert run.made(FimSample)[-1] == expect(files[1])


def test_files_stand_alone_unless_the_recipe_asks_for_repositories() -> None:
    run = cut(build_file("one"), build_file("two"), per_source=2)
    assert all(sample.text.startswith("<|fim_prefix|>") for sample in run.made(FimSample))


FILLED = PROGRAM.format(name="one").ljust(6000, "x")
"""As long as a file that is shown may be."""


@pytest.mark.parametrize(
    ("before", "shown"),
    [
        (build_file("one"), True),
        (build_file("one", repository="other"), False),
        (
            build_file(
                "one", language="go", path="one.go", text="package p\n\nfunc f() int { return 1 + 2 }\n"
            ),
            False,
        ),
        (build_file("one", text=FILLED), True),
        (build_file("one", text=FILLED + "x"), False),
        (build_file("one", text="def f(:\n"), True),
    ],
)
def test_only_short_files_of_the_same_repository_and_language_are_shown(
    before: SourceText, shown: bool
) -> None:
    run = cut(before, build_file("two"), per_source=2, repository_format=True)
    texts = [sample.text for sample in run.made(FimSample) if sample.source_id == id_of("two")]
    assert any(before.text in text and text.startswith("<|repo_name|>shop") for text in texts) is shown


def test_the_two_files_before_are_shown_and_no_third() -> None:
    names = ("one", "two", "three", "four")
    run = cut(*(build_file(name) for name in names), per_source=2, repository_format=True)
    (text,) = (
        s.text for s in run.made(FimSample) if s.source_id == id_of("four") and "<|repo_name|>" in s.text
    )
    assert [f"<|file_sep|>{name}.py\n" in text for name in names] == [False, True, True, True]


def test_the_program_of_a_sample_belongs_to_no_repository() -> None:
    samples = [build_sample(f"m{n}", code=PROGRAM.format(name=name)) for n, name in enumerate(("a", "b"))]
    run = cut(*samples, per_source=2, repository_format=True)
    assert all(sample.text.startswith("<|fim_prefix|>") for sample in run.made(FimSample))


def test_samples_that_a_filter_turned_away_are_not_cut() -> None:
    last = FilterStage(ExactDedup(), Sample, SelectStage)
    stage = FimStage(build_context({"fim": {}}), last)
    samples = [build_sample(f"m{n}", solution_id=f"s{n}") for n in (1, 2, 3, 4)]
    shard = build_shard(
        build_solution("s2"), *samples, rejected={"exact_dedup": ["m1"], "execute": ["s2"], "select": ["m3"]}
    )
    assert find_entering(stage, shard) == ["m4"]


def test_files_that_the_source_turned_away_are_not_cut() -> None:
    shard = build_shard(
        build_file("one"), build_file("two"), build_seed(), rejected={"snippet": [id_of("one")]}
    )
    assert find_entering(build_stage(), shard) == [id_of("two")]


def test_only_accepted_functions_of_a_file_are_cut_out() -> None:
    file = build_file("three", text=LONG)
    middle = build_accepted(file, 7, 12)
    run = run_stage(build_stage(per_source=40), build_shard(file, middle))
    made = run.made(FimSample)
    lines = {(s.prefix.count("\n") + 1, (s.prefix + s.middle).count("\n") + 1) for s in made}
    assert len(made) > 5
    assert all(7 <= first <= last <= 12 for first, last in lines)
    assert {s.program for s in made} == {LONG}


def test_a_file_without_an_accepted_seed_is_not_cut() -> None:
    file, other = build_file("one"), build_file("two")
    run = run_stage(build_stage(), build_shard(file, other, build_accepted(other)))
    assert run.decision(file.id) == (Decision.REJECTED, "no_accepted_seed")
    assert run.decision(other.id) == (Decision.KEPT, "")
    poor = build_accepted(file)
    turned_away = build_shard(file, poor, rejected={"seed_decontaminate": [poor.id]}, reason="contaminated")
    assert run_stage(build_stage(), turned_away).decision(file.id)[1] == "no_accepted_seed"


def test_a_contaminated_file_is_not_cut() -> None:
    file = build_file("one", text=LONG)
    context = build_context({"fim": {}, "filters": {"decontaminate": ["@heldout"]}})
    entry = BenchmarkEntry(id="held/1", answers=(LONG,), language="python")
    stage = FimStage(context, SnippetSource, [entry])
    run = run_stage(
        stage,
        build_shard(
            *accepted(
                file,
                build_file("two", text="def two(words):\n    return {w: w.upper() for w in words if w}\n"),
            )
        ),
    )
    assert [row.reason for row in run.rows.values()] == ["contaminated", ""]


def test_a_row_fits_what_the_trainer_takes_and_keeps_the_files_licence() -> None:
    text = "".join(PROGRAM.format(name=f"name{at}") for at in range(200))
    file = build_file("long", text=text, licence="MIT")
    run = cut(file, per_source=30, max_tokens=600, filters={"near_dedup": False})
    made = run.made(FimSample)
    assert len(made) > 20
    assert all(400 < row_tokens(sample) <= 600 for sample in made)
    assert all(sample.program in text and sample.program != text for sample in made)
    assert all(sample.program.endswith("\n") and sample.program[:1] != "\n" for sample in made)
    assert {sample.licence for sample in made} == {"MIT"}


def test_the_length_is_that_of_the_trainer_if_the_recipe_does_not_say() -> None:
    text = "".join(PROGRAM.format(name=f"name{at}") for at in range(200))
    file = build_file("long", text=text)
    context = build_context({"fim": {}}, sft={"coarse": {"max_length": 400}})
    run = run_stage(FimStage(context, SnippetSource), build_shard(*accepted(file)))
    [sample] = run.made(FimSample)
    assert 200 < row_tokens(sample) <= 300


def test_context_leaves_room_for_the_file() -> None:
    one = build_file("one", text="".join(PROGRAM.format(name=f"one{at}") for at in range(20)))
    two, small = build_file("two", text=LONG), build_file("small")
    run = cut(one, small, two, per_source=2, repository_format=True, max_tokens=500)
    texts = [s.text for s in run.made(FimSample) if s.source_id == two.id and "<|repo_name|>" in s.text]
    assert [("<|file_sep|>one.py" in text, "<|file_sep|>small.py" in text) for text in texts] == [
        (False, True)
    ]
    assert all(row_tokens(sample) <= 500 for sample in run.made(FimSample))
