"""The products: TRL's columns, a fixed order, the same bytes."""

import tracemalloc
from pathlib import Path

from synth.products import BY_NAME
from synth.records import Message
from synth.store.parquet import read_rows
from synth.store.products import product_files, write_product
from tests.store.small_run import FIM, GOOD, PAIR, SAMPLE

SFT, PAIRS, FIMS = BY_NAME["sft"], BY_NAME["pairs"], BY_NAME["fim"]


def test_the_same_rows_are_the_same_bytes_in_the_given_order(tmp_path: Path) -> None:
    many = [SAMPLE.model_copy(update={"id": f"sample-{50 - i:03d}"}) for i in range(50)]
    first = write_product(tmp_path / "a", SFT, "all", many)
    second = write_product(tmp_path / "b", SFT, "all", iter(many))
    assert first.path.read_bytes() == second.path.read_bytes()
    assert [found["id"] for found in read_rows(first.path)] == [sample.id for sample in many]
    assert first.sha256 == second.sha256
    assert first.rows == 50


def test_other_rows_have_another_hash(tmp_path: Path) -> None:
    other = SAMPLE.model_copy(update={"pass_rate": 0.5})
    assert (
        write_product(tmp_path, SFT, "a", [SAMPLE]).sha256
        != write_product(tmp_path, SFT, "b", [other]).sha256
    )


def test_sft_rows_are_conversational_prompt_and_completion(tmp_path: Path) -> None:
    found = read_rows(write_product(tmp_path, SFT, "all", [SAMPLE]).path)[0]
    assert found["prompt"] == [{"role": "user", "content": "Double a number. 加倍"}]
    assert found["completion"] == [{"role": "assistant", "content": GOOD.code}]
    assert (found["id"], found["language"], found["rank"], found["pass_rate"]) == (
        "sample-6f",
        "python",
        "reference",
        1.0,
    )


def test_pairs_are_conversational_prompt_chosen_and_rejected(tmp_path: Path) -> None:
    found = read_rows(write_product(tmp_path, PAIRS, "all", [PAIR]).path)[0]
    assert found["chosen"][0]["content"] == GOOD.code
    assert found["rejected"][0]["role"] == "assistant"
    assert (found["chosen_id"], found["rejected_pass"], found["rejected_outcome"]) == (
        "solution-3c",
        0.5,
        "wrong_answer",
    )


def test_fim_rows_have_the_text_that_is_trained(tmp_path: Path) -> None:
    found = read_rows(write_product(tmp_path, FIMS, "all", [FIM]).path)[0]
    assert found["text"] == FIM.text
    assert product_files(tmp_path, FIMS) == [tmp_path / "fim" / "all.parquet"]


def test_an_empty_data_set_keeps_its_columns(tmp_path: Path) -> None:
    import pyarrow.parquet as pq

    report = write_product(tmp_path, PAIRS, "none", [])
    assert report.rows == 0
    assert {"prompt", "chosen", "rejected", "id", "language"} <= set(pq.read_schema(report.path).names)


def test_rows_are_taken_as_they_come_and_not_held(tmp_path: Path) -> None:
    longest = "x = 1\n" * 5_000
    rows = (FIM.model_copy(update={"id": f"fim-{i:06d}", "text": f"{longest}{i}"}) for i in range(4_000))
    tracemalloc.start()
    try:
        report = write_product(tmp_path, FIMS, "all", rows)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert report.rows == 4_000
    assert peak < 0.4 * 4_000 * len(longest)


def test_a_lone_surrogate_is_replaced_and_counted(tmp_path: Path) -> None:
    odd = SAMPLE.model_copy(update={"completion": (Message(role="assistant", content="a\ud800b 😀"),)})
    report = write_product(tmp_path, SFT, "all", [odd, SAMPLE.model_copy(update={"id": "sample-0"})])
    assert report.repaired == 1
    assert read_rows(report.path)[0]["completion"][0]["content"] == "a\ufffdb 😀"


def test_a_data_set_larger_than_a_row_group_is_whole(tmp_path: Path) -> None:
    many = [FIM.model_copy(update={"id": f"fim-{i:06d}"}) for i in range(10_001)]
    rows = read_rows(write_product(tmp_path, FIMS, "all", many).path, ["id"])
    assert [one["id"] for one in rows] == [one.id for one in many]
