"""Several data sets of one training: their shares, their columns, and those that `datasets` loads."""

import json
from collections import Counter
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

import numpy
import pytest

from posttrain.core import brought_data
from posttrain.core.brought_data import bring, bring_all
from posttrain.core.data_files import data_files
from posttrain.core.jobs import SftJob, TrainingSet, job_hash
from posttrain.loop.jobs import plan_jobs
from posttrain.tokens.mixture import Stopping, mix, rows_of_each
from posttrain.tokens.selection import TokenRows, job_rows
from synth.config import Recipe
from synth.errors import DatasetError, RecipeError
from synth.pipeline.round import RoundData
from synth.policy import Policy
from synth.seeds.rows import DataPart, DataRow
from synth.training_config import SftConfig
from synth.training_data_config import TrainingSetConfig
from tests.training.conftest import WriteRows
from tests.training.tiny import Row, chat_rows

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

KEY = "sft.coarse.data"


# --- shares -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("stopping", ["first_exhausted", "all_exhausted"])
@pytest.mark.parametrize(
    ("sizes", "weights"),
    [((900, 5000, 333), (0.5, 0.3, 0.2)), ((1000, 1000), (3, 1)), ((10_000, 40), (9, 1))],
)
def test_shares_are_those_of_the_weights(
    sizes: tuple[int, ...], weights: tuple[float, ...], stopping: Stopping
) -> None:
    chosen = mix(sizes, weights, stopping, 7)
    begins = numpy.cumsum([0, *sizes])
    counts = numpy.histogram(chosen, begins)[0]
    assert counts.tolist() == rows_of_each(sizes, weights, stopping)
    for count, weight in zip(counts, weights, strict=True):
        assert abs(count / len(chosen) - weight / sum(weights)) < 0.005
    often = numpy.bincount(chosen, minlength=sum(sizes))
    if stopping == "first_exhausted":
        assert often.max() == 1
    else:
        assert often.min() == 1
        assert all(numpy.ptp(often[low:high]) <= 1 for low, high in pairwise(begins))


def test_the_choice_follows_the_seed_alone() -> None:
    first, again, other = (mix((100, 500), (1, 1), "first_exhausted", seed) for seed in (1, 1, 2))
    assert first.tolist() == again.tolist() != other.tolist()


def job(policy: Path, out: Path, *data: str | TrainingSet, **config: object) -> SftJob:
    return SftJob(
        name="mixed",
        policy=str(policy),
        data=data,
        output=str(out),
        seed=3,
        config=SftConfig.model_validate(config),
    )


def texts(rows: TokenRows, tokenizer: "PreTrainedTokenizerBase") -> list[str]:
    return [tokenizer.decode(ids).removesuffix("<|endoftext|>") for ids in rows.dataset["input_ids"]]


def numbered(name: str, count: int) -> list[Row]:
    return [{"text": f"{name} {'x' * (number % 7)} {number}"} for number in range(count)]


def test_a_job_has_the_rows_of_its_sets_in_their_shares(
    policy: Path, tokenizer: "PreTrainedTokenizerBase", write_rows: WriteRows, tmp_path: Path
) -> None:
    code, common = write_rows("code", numbered("code", 60)), write_rows("common", numbered("common", 100))
    sets = [TrainingSet(paths=(str(code),), weight=0.75), TrainingSet(paths=(str(common),), weight=0.25)]
    mixed = job(policy, tmp_path / "out", *sets)
    rows = job_rows(mixed, tokenizer)
    found = texts(rows, tokenizer)
    assert Counter(text.split()[0] for text in found) == {"code": 60, "common": 20}
    assert len(set(found)) == len(found) == len(rows) == len(rows.lengths) == 80
    assert rows.lengths.tolist() == [len(ids) for ids in rows.dataset["input_ids"]]
    assert [(one.rows, one.selected) for one in rows.shares()] == [(60, 60), (100, 20)]
    assert texts(job_rows(mixed, tokenizer), tokenizer) == found, "another start has the same rows"
    every = job_rows(job(policy, tmp_path / "out", *sets, stopping="all_exhausted"), tokenizer)
    assert [one.selected for one in every.shares()] == [300, 100]
    plain = job_rows(job(policy, tmp_path / "out", str(code), str(common)), tokenizer)
    assert len(plain) == 160


def test_weights_columns_and_grouping_are_part_of_the_job(
    policy: Path, write_rows: WriteRows, tmp_path: Path
) -> None:
    one, two = (str(write_rows(name, numbered(name, 3))) for name in ("one", "two"))
    jobs = [
        job(policy, tmp_path, one, two),
        job(policy, tmp_path, TrainingSet(paths=(one,), weight=1), TrainingSet(paths=(two,), weight=1)),
        job(policy, tmp_path, TrainingSet(paths=(one,), weight=1), TrainingSet(paths=(two,), weight=2)),
        job(policy, tmp_path, TrainingSet(paths=(one, two))),
        job(policy, tmp_path, TrainingSet(paths=(one,), columns={"text": "code"}), two),
        job(policy, tmp_path, one, two, stopping="all_exhausted"),
    ]
    assert len({job_hash(one) for one in jobs}) == len(jobs)
    assert job_hash(jobs[0]) == job_hash(jobs[0].model_copy(update={"tokens": "elsewhere"}))


def test_a_set_with_a_weight_and_no_rows_is_refused(
    policy: Path, tokenizer: "PreTrainedTokenizerBase", write_rows: WriteRows, tmp_path: Path
) -> None:
    good, bad = write_rows("good", numbered("good", 5)), write_rows("bad", [{"text": ""}])
    sets = [TrainingSet(paths=(str(file),), weight=1) for file in (good, bad)]
    with pytest.raises(DatasetError, match="must have text in `text`"):
        job_rows(job(policy, tmp_path / "out", *sets, unusable="reject"), tokenizer)


def test_unusable_rows_among_good_ones_are_skipped_and_counted_where_the_recipe_says_so(
    policy: Path, tokenizer: "PreTrainedTokenizerBase", tmp_path: Path
) -> None:
    file = tmp_path / "rows.jsonl"
    rows: list[Row] = [*numbered("a", 2), {"prompt": "q", "completion": ""}, {"text": "x", "weight": 0}]
    file.write_text("".join(json.dumps(row) + "\n" for row in rows) + "{no json\n", encoding="utf-8")
    found = job_rows(job(policy, tmp_path / "out", str(file), unusable="reject"), tokenizer)
    assert (len(found), found.rejected_rows) == (2, 3)
    found.write_rejected(tmp_path / "rejected.jsonl")
    lines = [json.loads(line) for line in (tmp_path / "rejected.jsonl").read_text().splitlines()]
    assert [(row["where"], row["reason"]) for row in lines] == [
        (f"{file}: row 3", "unusable"),
        (f"{file}: row 4", "unusable"),
        (f"{file}:5", "unusable"),
    ]
    with pytest.raises(DatasetError, match="has 3 unusable rows of 5"):
        job_rows(job(policy, tmp_path / "out", str(file), overlong="reject"), tokenizer)


# --- brought by a recipe ------------------------------------------------------------------------------------


def recipe(**sections: object) -> Recipe:
    return Recipe.model_validate({"name": "r", "seed": 1, **sections})


def sets_of(data: object) -> tuple[TrainingSetConfig, ...]:
    return SftConfig.model_validate({"data": data}).data


@pytest.mark.parametrize(
    "data", ["rows.jsonl", {"source": "rows.jsonl"}, ["rows.jsonl"], [{"source": "rows.jsonl"}]]
)
def test_a_path_a_mapping_and_a_list_name_the_same_set(data: object) -> None:
    assert sets_of(data) == (TrainingSetConfig(source="rows.jsonl"),)
    assert sets_of(None) == ()


def test_a_set_of_the_hub_is_written_down_once_with_its_split_and_columns(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A local folder in the hub's form: one file for each split."""
    folder = tmp_path / "set" / "data"
    folder.mkdir(parents=True)
    for split in ("train", "test"):
        rows = [{"question": f"{split} {n}", "answer": "a"} for n in range(3)]
        (folder / f"{split}-00000-of-00001.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    columns = {"instruction": "question", "output": "answer"}
    wanted = sets_of({"source": "hub:set", "split": "test", "columns": columns, "weight": 2})
    (found,) = bring(wanted, KEY, tmp_path, tmp_path / "out")
    assert (found.columns, found.weight) == (columns, 2)
    written = [json.loads(line) for file in data_files(Path(found.paths[0])) for line in file.open()]
    assert [row["question"] for row in written] == ["test 0", "test 1", "test 2"]
    monkeypatch.delattr(brought_data, "open_data_set")
    assert bring(wanted, KEY, tmp_path, tmp_path / "out") == [found]
    with pytest.raises(NameError):
        bring(sets_of("hub:set"), KEY, tmp_path, tmp_path / "out")


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ({"source": "hub:set", "split": "nowhere"}, "cannot be opened"),
        ({"source": "hub:set", "columns": {"prompt": "questoin"}}, "write question"),
    ],
)
def test_a_set_that_cannot_be_loaded_is_named_by_its_key(tmp_path: Path, data: object, message: str) -> None:
    (tmp_path / "set").mkdir()
    (tmp_path / "set" / "train.jsonl").write_text('{"question": "q", "answer": "a"}\n')
    with pytest.raises(RecipeError, match=message) as refused:
        bring(sets_of(data), KEY, tmp_path, tmp_path / "out")
    assert refused.value.problems[0].where.startswith(KEY)


def test_parts_that_were_written_before_an_interruption_stay(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[str] = []

    def part(name: str) -> DataPart:
        def rows() -> Iterator[DataRow]:
            read.append(name)
            if read == ["a", "b"]:
                raise KeyboardInterrupt
            yield DataRow(name, 1, {"text": name})

        return DataPart(name, rows)

    monkeypatch.setattr(brought_data, "open_data_set", lambda *_: [[part("a"), part("b")]])
    with pytest.raises(KeyboardInterrupt):
        bring(sets_of("hub:set"), KEY, tmp_path, tmp_path)
    (found,) = bring(sets_of("hub:set"), KEY, tmp_path, tmp_path)
    assert read == ["a", "b", "b"]
    assert [file.read_text() for file in data_files(Path(found.paths[0]))] == [
        '{"text": "a"}\n',
        '{"text": "b"}\n',
    ]


def test_a_loop_trains_on_its_own_rows_and_those_that_are_brought(
    write_rows: WriteRows, tmp_path: Path
) -> None:
    from synth.pipeline.round import WrittenSet
    from synth.products import PRODUCTS

    own = tuple(
        WrittenSet(product, data_set, Path(f"{product.name}-{data_set.job}.parquet"), 5)
        for product in PRODUCTS
        for data_set in product.data_sets
        if data_set.job
    )
    write_rows("common", chat_rows(2))
    sections = {
        "sft": {
            "coarse": {"data": [{"source": "round", "weight": 3}, {"source": "common.jsonl", "weight": 1}]},
            "fine": {"data": "common.jsonl"},
        },
        "dpo": {},
    }
    loop = recipe(**sections)
    base = Policy(name="base", base="/b", fingerprint="f")
    brought = bring_all(loop, tmp_path, tmp_path / "out")
    common = str(tmp_path / "common.jsonl")
    coarse, fine, dpo = plan_jobs(loop, tmp_path, 1, base, RoundData(own), brought=brought).jobs
    assert [(len(one.paths), one.weight) for one in coarse.data_sets] == [(3, 3), (1, 1)]
    assert coarse.data_sets[1].paths == (common,) == fine.data[-1:]
    assert len(fine.data) == 2 and dpo.data == ("pairs-dpo.parquet",)
    alone = plan_jobs(loop, tmp_path, 1, base, RoundData(()), brought=brought)
    assert [one.name for one in alone.jobs] == ["round-1-coarse", "round-1-fine"]
