"""Decontamination: recall on planted texts and false alarms on fresh ones, on texts generated here."""

import gzip
import json
import re
from collections.abc import Callable
from pathlib import Path
from random import Random

import pyarrow
import pyarrow.parquet
import pytest

from synth.errors import DatasetError
from synth.filters.benchmarks import BenchmarkEntry, read_benchmark
from synth.filters.decontaminate import Decontaminate
from synth.filters.protocol import FilterInput, Keep, Reject
from synth.recipe.decontamination_rule import Thresholds

SIZE = 200
_ADJECTIVES = (
    "sorted broken nested sparse hidden stale prime weighted cyclic folded dense mirrored tagged shifted "
    "padded rotated bounded frozen ragged signed cached masked dotted sealed pending expired quoted trimmed "
    "linked locked scaled skewed inverted marked packed"
).split()
_NOUNS = (
    "ledger matrix queue packet orchard string interval polygon ticket tree album sensor voucher corridor "
    "recipe graph calendar invoice playlist harbour elevator tournament garden parcel thermostat library "
    "bridge satellite menu timetable warehouse glacier telescope passport novel railway carpet volcano"
).split()
_VERBS = (
    "merge rotate partition encode summarize rank compress validate simulate trace flatten schedule align "
    "balance prune decode allocate classify convert deduplicate estimate inspect interleave measure "
    "normalize project reconcile sample split tokenize"
).split()
_TAILS = (
    "without visiting any {n} twice",
    "and return the number of {n} entries that remain",
    "so that each {a} {n} appears before its {m}",
    "ignoring every {n} whose {m} is {a}",
    "when the {a} {n} is longer than the {m}",
    "by comparing the first {n} with the last {m}",
    "but keep the {a} {m} of the original {n}",
    "if no {a} {n} can be found raise the {m}",
)


def prose(random: Random) -> str:
    """An instruction of 20 to 40 words; two share phrases, as instructions do, and not a meaning."""
    pick = random.choice
    tails = [
        tail.format(n=pick(_NOUNS), m=pick(_NOUNS), a=pick(_ADJECTIVES)) for tail in random.sample(_TAILS, 3)
    ]
    head = (
        f"Write a function that will {pick(_VERBS)} the {pick(_ADJECTIVES)} {pick(_NOUNS)} of a "
        f"{pick(_ADJECTIVES)} {pick(_NOUNS)}"
    )
    return f"{head}, {tails[0]}; {tails[1]}, {tails[2]}."


def code(random: Random) -> str:
    """A function of 8 random statements over 5 variables."""
    names = random.sample(_NOUNS, 5)
    lines = [
        f"def {random.choice(_VERBS)}_{random.choice(_NOUNS)}({names[0]}, {names[1]}):",
        f"    {names[2]} = {random.choice(('[]', '0', '{}', 'set()'))}",
    ]
    for _ in range(8):
        a, b, c = random.sample(names, 3)
        number = random.randint(1, 60)
        lines.append(
            random.choice(
                (
                    f"    for {a} in range(len({b}) - {number}):\n        {c} += {a} % {number}",
                    f"    while {a} < {b} + {number}:\n        {a} = {a} * {random.randint(2, 9)} - {c}",
                    f"    if {a} > {number} and not {b}:\n        {c}.append(({a}, {b}))",
                    f"    {a} = sorted({b}, key=lambda {c}: {c}[{number}])",
                    f"    {a} = max({b}, {number}) // {c}",
                    f"    {a}[{b}] = {c}.get({number}, {a}) | {b}",
                )
            )
        )
    return "\n".join([*lines, f"    return {names[2]}"])


def chinese(random: Random) -> str:
    pick = random.choice
    things = (
        "账本 矩阵 队列 数据包 字符串 区间 多边形 车票 二叉树 相册 传感器 走廊 菜谱 图 日历 "
        "发票 歌单 港口 电梯 锦标赛 花园 包裹"
    ).split()
    acts = (
        "合并 旋转 划分 编码 汇总 排序 压缩 校验 模拟 追踪 展开 调度 分类 转换 估计 检查 "
        "交错 测量 归一化 抽样 拆分"
    ).split()
    kinds = (
        "有序的 损坏的 嵌套的 稀疏的 隐藏的 过期的 加权的 循环的 折叠的 稠密的 冻结的 缓存的 "
        "密封的 倒置的 打包的"
    ).split()
    first = f"编写一个函数，{pick(acts)}{pick(kinds)}{pick(things)}中的每个{pick(things)}"
    second = f"然后{pick(acts)}{pick(kinds)}{pick(things)}"
    return f"{first}，{second}，最后返回{pick(kinds)}{pick(things)}和{pick(things)}的数量。"


def edit_words(text: str, random: Random) -> str:
    """One word in eight replaced, at random places."""
    words = text.split()
    for at in range(0, len(words), 8):
        place = at + random.randrange(min(8, len(words) - at))
        words[place] = "".join(random.choice("bcdfghklm") for _ in range(5))
    return " ".join(words)


def edit_characters(text: str, random: Random) -> str:
    places = range(0, len(text), 8)
    characters = list(text)
    for at in places:
        characters[at + random.randrange(min(8, len(text) - at))] = random.choice("春夏秋冬东西南北")
    return "".join(characters)


def rename(text: str, random: Random) -> str:
    """Every name of the generator's own vocabulary renamed, consistently."""
    names = {name: f"v{at}" for at, name in enumerate(random.sample(_NOUNS + _VERBS, len(_NOUNS + _VERBS)))}
    return re.sub(r"[a-z]+", lambda match: names.get(match.group(), match.group()), text)


def reformat(text: str, random: Random) -> str:
    return text.replace("    ", "\t").replace("\n", "  # step\n\n").replace(", ", ",").replace(" + ", "+")


@pytest.fixture(scope="module")
def entries() -> list[BenchmarkEntry]:
    random = Random(11)
    english = [
        BenchmarkEntry(f"en{at}", (prose(random),), (code(random),), (), "python") for at in range(SIZE)
    ]
    return english + [BenchmarkEntry(f"zh{at}", (chinese(random),)) for at in range(SIZE)]


@pytest.fixture(scope="module")
def found(entries: list[BenchmarkEntry]) -> Decontaminate:
    return Decontaminate(entries)


Attack = Callable[[str, Random], str]


def keep(text: str, random: Random) -> str:
    return text


@pytest.mark.parametrize(
    ("part", "attack", "recall"),
    [
        ("prompt", keep, 0.99),
        ("prompt", lambda text, random: text.upper(), 0.99),
        ("prompt", lambda text, random: re.sub(r"[^\w\s]", "", text), 0.99),
        (
            "prompt",
            lambda text, random: (
                "Please solve this task. " + text + " Answer in Python with a short explanation."
            ),
            0.99,
        ),
        ("prompt", edit_words, 0.98),
        ("answer", keep, 0.99),
        ("answer", rename, 0.99),
        ("answer", reformat, 0.99),
        ("answer", lambda text, random: reformat(rename(text, random), random), 0.99),
        ("chinese", keep, 0.99),
        ("chinese", lambda text, random: re.sub(r"[，。]", " ", text), 0.99),
        ("chinese", edit_characters, 0.95),
    ],
)
def test_planted_texts_are_found(
    entries: list[BenchmarkEntry], found: Decontaminate, part: str, attack: Attack, recall: float
) -> None:
    random, hits = Random(5), 0
    chosen = entries[SIZE:] if part == "chinese" else entries[:SIZE]
    for entry in chosen:
        unit = (
            FilterInput("u", "python", code=attack(entry.answers[0], random))
            if part == "answer"
            else FilterInput("u", "python", attack(entry.prompts[0], random))
        )
        hits += isinstance(found.check(unit), Reject)
    assert hits / len(chosen) >= recall


def test_fresh_texts_raise_at_most_one_false_alarm_in_two_hundred(found: Decontaminate) -> None:
    random = Random(99)
    units = [FilterInput(str(at), "python", prose(random), code(random)) for at in range(1000)]
    units += [FilterInput(str(at), prompt=chinese(random)) for at in range(1000)]
    alarms = [answer for unit in units if isinstance(answer := found.check(unit), Reject)]
    assert len(alarms) <= 10, [alarm.evidence for alarm in alarms]


def test_a_task_that_stands_in_twelve_editions_is_still_found() -> None:
    """As HumanEval's tasks do: in editions with more tests, and in translations into many languages."""
    random = Random(17)
    tasks = [(prose(random), code(random)) for _ in range(40)]
    found = Decontaminate(
        BenchmarkEntry(f"{edition}/{at}", (f"In edition {edition}: {prompt}",), (answer,), (), "python")
        for at, (prompt, answer) in enumerate(tasks)
        for edition in range(12)
    )
    edited = [FilterInput("u", "python", edit_words(prompt, random)) for prompt, _ in tasks]
    renamed = [FilterInput("u", "python", code=rename(answer, random)) for _, answer in tasks]
    fresh = [FilterInput("u", "python", prose(random), code(random)) for _ in range(150)]
    planted = (edited, renamed, fresh)
    hits = [sum(isinstance(found.check(unit), Reject) for unit in units) for units in planted]
    assert hits[0] >= 39 and hits[1] >= 39
    assert hits[2] <= 1


def test_evidence_names_the_entry_and_what_matched(
    entries: list[BenchmarkEntry], found: Decontaminate
) -> None:
    answer = found.check(FilterInput("u", "python", entries[3].prompts[0]))
    assert isinstance(answer, Reject)
    assert answer.evidence["entry"] == "en3"
    assert answer.evidence["side"] == "prose"
    assert answer.evidence["share"] == 1.0 and answer.evidence["least"] == Thresholds().prose_share
    assert str(answer.evidence["matched"]) in re.sub(r"[^\w\s]", "", entries[3].prompts[0]).lower()


def test_tests_and_answers_are_searched_like_prompts(
    entries: list[BenchmarkEntry], found: Decontaminate
) -> None:
    assert isinstance(found.check(FilterInput("u", "python", tests=entries[5].answers[0])), Reject)
    assert isinstance(
        found.check(FilterInput("u", "python", code=f'"""{entries[5].prompts[0]}"""\nx = 1\n')), Reject
    )
    assert isinstance(
        found.check(FilterInput("u", "python", f"Complete this:\n```python\n{entries[5].answers[0]}\n```")),
        Reject,
    )


def test_a_short_entry_is_found_when_it_is_most_of_the_unit() -> None:
    short = Decontaminate([BenchmarkEntry("s", ("Reverse a linked list.",))])
    assert isinstance(short.check(FilterInput("u", prompt="please REVERSE a linked list")), Reject)
    assert isinstance(short.check(FilterInput("u", prompt="Sort a linked list.")), Keep)
    assert isinstance(
        short.check(
            FilterInput(
                "u",
                prompt="Build a cache whose eviction can reverse a linked list when it is full of old values",
            )
        ),
        Keep,
    )


def test_phrases_that_many_entries_share_identify_none_of_them() -> None:
    phrase = "Write a function that takes a list of integers and returns the"
    many = Decontaminate([BenchmarkEntry(str(at), (f"{phrase} {prose(Random(at))}",)) for at in range(30)])
    assert isinstance(many.check(FilterInput("u", prompt=f"{phrase} alphabet in reverse.")), Keep)


def test_the_reports_rule_finds_verbatim_prompts_but_few_renamed_answers(
    entries: list[BenchmarkEntry],
) -> None:
    report = Decontaminate(entries[:SIZE], mode="report")
    random = Random(3)
    verbatim = sum(
        isinstance(report.check(FilterInput("u", "python", entry.prompts[0])), Reject)
        for entry in entries[:SIZE]
    )
    renamed = sum(
        isinstance(report.check(FilterInput("u", "python", code=rename(entry.answers[0], random))), Reject)
        for entry in entries[:SIZE]
    )
    assert verbatim == SIZE
    assert renamed < SIZE / 4
    assert isinstance(report.check(FilterInput("u", prompt="nine words are too few for the old rule")), Keep)


def test_benchmark_files_are_read_by_their_usual_columns(tmp_path: Path) -> None:
    rows = [
        {
            "task_id": "HumanEval/0",
            "prompt": "def f():",
            "canonical_solution": "return 1",
            "test": "assert f()",
        },
        {"task_id": 11, "text": "Do it.", "code": "x", "test_list": ["assert a", "assert b"]},
        {"question": "How many?", "answer": "4"},
    ]
    path = tmp_path / "bench.jsonl"
    path.write_text("\n\n".join(map(json.dumps, rows)))
    read = list(read_benchmark(path))
    assert read[0] == BenchmarkEntry("HumanEval/0", ("def f():",), ("return 1",), ("assert f()",))
    assert (read[1].id, read[1].tests) == ("11", ("assert a\nassert b",))
    assert (read[2].id, read[2].answers) == ("bench/5", ("4",))


@pytest.mark.parametrize("line", ["nonsense", "[]", '{"unrelated": 1}'])
def test_a_benchmark_row_without_text_is_an_error_not_a_hole(tmp_path: Path, line: str) -> None:
    path = tmp_path / "bench.jsonl"
    path.write_text('{"prompt": "x y z"}\n' + line)
    with pytest.raises(DatasetError, match="jsonl:2"):
        list(read_benchmark(path))


QUESTION = (
    "A ferry carries carts over a river, and each cart has a length in feet. Carts board in the order of the "
    "queue while they fit on the deck; the first that does not fit waits for the next trip. Print how many "
    "trips are needed, and the number of carts on the fullest one."
)
ANSWER = """
def trips(lengths, deck):
    done, used, boarded, fullest = 1, 0, 0, 0
    for length in lengths:
        if used + length > deck:
            done, used, boarded = done + 1, 0, 0
        used, boarded = used + length, boarded + 1
        fullest = max(fullest, boarded)
    return done, fullest
"""
LAYOUTS = {
    "LiveCodeBench": {"question_title": "Ferry", "question_content": QUESTION, "question_id": "q1"},
    "BigCodeBench": {
        "task_id": "BigCodeBench/1",
        "complete_prompt": "def task_func(lengths, deck):\n",
        "instruct_prompt": QUESTION,
        "canonical_solution": ANSWER,
    },
    "APPS": {"problem_id": 1, "question": QUESTION, "solutions": json.dumps(["print(1)", ANSWER])},
    "CodeContests": {
        "name": "ferry",
        "description": QUESTION,
        "solutions": {"language": [2, 3], "solution": ["int main() {}", ANSWER]},
    },
    "DS-1000": {
        "prompt": QUESTION,
        "reference_code": ANSWER,
        "code_context": "assert trips([1], 2) == (1, 1)",
    },
}


@pytest.mark.parametrize("layout", LAYOUTS)
def test_the_question_and_every_solution_of_a_published_row_count(tmp_path: Path, layout: str) -> None:
    path = tmp_path / "bench.jsonl"
    path.write_text(json.dumps(LAYOUTS[layout]))
    found = Decontaminate(read_benchmark(path))
    assert isinstance(found.check(FilterInput("u", "python", QUESTION, "x = 1\n")), Reject)
    assert isinstance(found.check(FilterInput("u", "python", "Count the words of a text.", "x = 1\n")), Keep)
    if layout != "LiveCodeBench":  # which publishes no solutions
        assert isinstance(found.check(FilterInput("u", "python", "Another task.", ANSWER)), Reject)


def test_every_kind_of_file_is_read_and_others_are_refused(tmp_path: Path) -> None:
    row = {"task_id": "t", "prompt": QUESTION}
    whole = {
        "a.jsonl": json.dumps(row).encode(),
        "a.jsonl.gz": gzip.compress(json.dumps(row).encode()),
        "a.json": json.dumps([row]).encode(),
        "named.json": json.dumps({"data": [row]}).encode(),
        "by-id.json": json.dumps({"t": {"prompt": QUESTION}}).encode(),
        "a.json.gz": gzip.compress(json.dumps([row]).encode()),
    }
    for name, data in whole.items():
        (tmp_path / name).write_bytes(data)
    pyarrow.parquet.write_table(pyarrow.Table.from_pylist([row]), tmp_path / "a.parquet")
    expected = BenchmarkEntry("t", (QUESTION,))
    for name in (*whole, "a.parquet"):
        assert list(read_benchmark(tmp_path / name)) == [expected], name
    assert list(read_benchmark(tmp_path)) == [expected] * 7
    (tmp_path / "a.csv").write_text("prompt")
    (tmp_path / "cut.jsonl.gz").write_bytes(whole["a.jsonl.gz"][:-9])
    for name in ("a.csv", "cut.jsonl.gz"):
        with pytest.raises(DatasetError, match=name):
            list(read_benchmark(tmp_path / name))
