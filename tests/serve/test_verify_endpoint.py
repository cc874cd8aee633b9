"""Rows over HTTP: every row gets exactly one answer, and the answer of `codemill verify`."""

import json
import time
from concurrent.futures import ThreadPoolExecutor

import httpx

from synth.verify.verify import verify
from tests.serve.conftest import Served, serving

ADD = {"kind": "function", "entry_point": "add", "signature": "(int, int) -> int"}
CASES = [{"input": [1, 2], "output": 3}]


def row(name: str, code: str, language: str = "python") -> dict[str, object]:
    return {"id": name, "language": language, "code": code, "tests": {**ADD, "cases": CASES}}


RIGHT = row("right", "def add(a, b):\n    return a + b\n")
WRONG = row("wrong", "def add(a, b):\n    return a - b\n")
BROKEN = row("broken", "def add(a, b:\n")
RAISES = row("raises", "def add(a, b):\n    raise ValueError(a)\n")
SCRIPT: dict[str, object] = {
    "id": "script",
    "language": "python",
    "code": "x = 2\n",
    "tests": {"kind": "script", "script": "assert x == 2"},
}
ALL: list[dict[str, object]] = [RIGHT, WRONG, BROKEN, RAISES, SCRIPT]


def test_answers_are_those_of_the_command(server: Served) -> None:
    found = server.verify(*ALL)
    want = sorted(verify(ALL), key=lambda answer: answer.row)
    assert [(one["id"], one["row"], one["verdict"], one["reason"], one["trust"]) for one in found] == [
        (one.id, one.row, one.verdict.value, one.reason, one.trust) for one in want
    ]


def test_an_array_gets_an_array_in_the_order_of_its_rows(server: Served) -> None:
    found = server.client.post("/verify", json=ALL).json()
    assert [one["id"] for one in found] == [one["id"] for one in ALL]
    assert [one["verdict"] for one in found] == [
        "pass",
        "wrong_answer",
        "parse_error",
        "runtime_error",
        "pass",
    ]


def test_an_array_is_answered_in_lines_for_those_who_want_them(server: Served) -> None:
    answer = server.client.post("/verify", json=ALL, headers={"accept": "application/x-ndjson"})
    assert answer.headers["content-type"] == "application/x-ndjson"
    assert sorted(json.loads(line)["row"] for line in answer.text.splitlines()) == [1, 2, 3, 4, 5]


def test_a_row_that_cannot_be_judged_is_refused_and_the_rest_goes_on(server: Served) -> None:
    hungry = {**RIGHT, "id": "hungry", "limits": {"cpu_s": 1000}}
    found = server.verify(
        RIGHT, "{not json\n", row("who", "", "klingon"), "\n", '["a", "list"]\n', hungry, {"id": 7}, WRONG
    )
    assert [(one["row"], one["verdict"]) for one in found] == [
        (1, "pass"),
        (2, "refused"),
        (3, "refused"),
        (4, "refused"),
        (5, "refused"),
        (6, "refused"),
        (7, "wrong_answer"),
    ]
    assert [one["id"] for one in found] == ["right", "", "who", "", "hungry", "7", "wrong"]
    assert all(one["reason"] for one in found[1:6])


def test_answers_come_while_later_rows_still_run(server: Served) -> None:
    hangs = row("hangs", "def add(a, b):\n    while True: pass\n")
    body = "".join(json.dumps(one) + "\n" for one in (hangs, RIGHT))
    with server.client.stream("POST", "/verify", content=body.encode()) as answer:
        found = [json.loads(line) for line in answer.iter_lines()]
    assert [(one["id"], one["verdict"]) for one in found] == [("right", "pass"), ("hangs", "timeout")]


def test_hundreds_of_rows_get_one_answer_each(server: Served) -> None:
    rows = [row(f"r{n}", f"def add(a, b):\n    return a + b + {n % 2}  # {n}\n") for n in range(300)]
    found = server.verify(*rows)
    assert [one["row"] for one in found] == list(range(1, 301))
    assert [one["verdict"] for one in found] == ["pass", "wrong_answer"] * 150


def test_a_body_without_rows_gets_no_answers(server: Served) -> None:
    assert server.client.post("/verify", content=b"").text == ""
    assert server.client.post("/verify", content=b"[]").json() == []


def test_an_array_that_is_none_is_a_bad_request(server: Served) -> None:
    for body in (b"[", b"[1,]", b"[" * 100_000):
        assert server.client.post("/verify", content=body).status_code == 400


def test_a_server_that_ends_says_so_in_every_row() -> None:
    rows = [row(f"h{n}", f"def add(a, b):\n    while True: pass  # {n}\n") for n in range(100)]
    body = "".join(json.dumps(one) + "\n" for one in rows).encode()
    with serving("--workers", "1", "--cpu-s", "300") as small, ThreadPoolExecutor() as pool:
        answer = pool.submit(lambda: small.client.post("/verify", content=body))
        while not httpx.get(f"{small.url}/health", trust_env=False).json()["running"]:
            time.sleep(0.05)
        assert small.end() == 0
        found = [json.loads(line) for line in answer.result(timeout=30).text.splitlines()]
    assert sorted(one["row"] for one in found) == list(range(1, 101))
    assert {one["verdict"] for one in found} == {"infrastructure"}


def test_a_client_that_reads_slowly_holds_up_nobody_else(server: Served) -> None:
    rows = [row(f"s{n}", f"def add(a, b):\n    return 'x' * 400  # {n}\n") for n in range(600)]
    body = "".join(json.dumps(one) + "\n" for one in rows).encode()
    with server.client.stream("POST", "/verify", content=body) as slow:
        lines = slow.iter_lines()
        first = json.loads(next(lines))
        assert server.run_code("print(5)")["run_result"]["stdout"] == "5\n"
        found = [first, *map(json.loads, lines)]
    assert sorted(one["row"] for one in found) == list(range(1, 601))


def test_sizes_are_bounded() -> None:
    large = row("large", "def add(a, b):\n    return a + b\n#" + "x" * (1 << 20))
    with serving("--row-mb", "1", "--body-mb", "3") as small:
        assert [one["verdict"] for one in small.verify(RIGHT, large, WRONG)] == [
            "pass",
            "refused",
            "wrong_answer",
        ]
        array = small.client.post("/verify", json=[RIGHT, large]).json()
        assert [one["verdict"] for one in array] == ["pass", "refused"]
        assert small.client.post("/verify", content=b" " * (3 << 20) + b"\n").status_code == 413
        chunks = (b" " * 65536 for _ in range(100))
        assert small.client.post("/verify", content=chunks).status_code == 413
        assert (
            small.client.post("/run_code", json={"code": "#" * (1 << 20), "language": "python"}).status_code
            == 413
        )
        assert small.run_code("print(3)")["run_result"]["stdout"] == "3\n"
