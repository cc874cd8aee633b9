"""SandboxFusion's `run_code` over HTTP, with real programs: its shape, the ends of programs, files."""

import base64
import json
import random
from collections.abc import Mapping

import pytest

from tests.languages.toolchains import need
from tests.serve.conftest import Served

RESPONSE = {"status", "message", "compile_result", "run_result", "executor_pod_name", "files"}
RESULT = {"status", "execution_time", "return_code", "stdout", "stderr"}


def packed(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def test_the_response_has_the_published_shape(server: Served) -> None:
    found = server.run_code("print(int(input()) + 1)", stdin="41\n")
    assert found.keys() == RESPONSE
    assert found["run_result"].keys() == RESULT
    assert (found["status"], found["message"], found["compile_result"]) == ("Success", "", None)
    ran = found["run_result"]
    assert (ran["status"], ran["return_code"], ran["stdout"], ran["stderr"]) == ("Finished", 0, "42\n", "")
    assert 0 < ran["execution_time"] < 60


ENDS: Mapping[str, tuple[str, tuple[str, str, int | None]]] = {
    "an exception": ("raise ValueError('oh')", ("Failed", "Finished", 1)),
    "a syntax error": ("def f(:", ("Failed", "Finished", 1)),
    "a status": ("import sys; sys.exit(7)", ("Failed", "Finished", 7)),
    "a signal": ("import os; os.kill(os.getpid(), 11)", ("Failed", "Finished", -11)),
    "a hang": ("while True: pass", ("Failed", "TimeLimitExceeded", None)),
    "a sleep": ("import time; time.sleep(600)", ("Failed", "TimeLimitExceeded", None)),
    "a flood": ("while True: print('x' * 10000)", ("Failed", "Finished", -9)),
}


@pytest.mark.parametrize("name", ENDS)
def test_how_a_program_ended(name: str, server: Served) -> None:
    code, (status, ran, returned) = ENDS[name]
    found = server.run_code(code, run_timeout=1)
    assert (found["status"], found["run_result"]["status"]) == (status, ran)
    assert found["run_result"]["return_code"] == returned, found
    assert found["compile_result"] is None


def test_what_a_program_wrote_before_its_time_was_over_is_there(server: Served) -> None:
    found = server.run_code("print('begun', flush=True)\nwhile True: pass", run_timeout=1)
    assert found["run_result"]["stdout"] == "begun\n"


def test_memory_that_runs_out_is_no_fault_of_the_server(server: Served) -> None:
    found = server.run_code("x = bytearray(900 << 20)\nprint(len(x))", memory_limit_MB=128)
    assert found["status"] == "Failed"
    assert found["run_result"]["return_code"] != 0


def test_a_compiler_has_a_result_of_its_own(server: Served) -> None:
    need("cpp")
    good = server.run_code("int main() { return 0; }", language="cpp")
    assert (good["status"], good["compile_result"]["return_code"]) == ("Success", 0)
    bad = server.run_code("int main() { return undeclared; }", language="cpp")
    assert (bad["status"], bad["run_result"]) == ("Failed", None)
    assert (bad["compile_result"]["status"], bad["compile_result"]["return_code"]) == ("Finished", 1)
    assert "undeclared" in bad["compile_result"]["stderr"]


def test_a_slow_compiler_is_a_time_out_of_the_compiler(server: Served) -> None:
    need("cpp")
    deep = (
        "constexpr int f(int n) { int s = 0; for (int i = 0; i < 200000; i++) s += i % n; return s; }\n"
        "template<int N> struct S { static constexpr int v = f(N) % 7 + S<N - 1>::v; };\n"
        "template<> struct S<0> { static constexpr int v = 0; };\n"
        "int main() { return S<800>::v; }\n"
    )
    found = server.run_code(deep, language="cpp", compile_timeout=1)
    assert found["status"] == "Failed"
    assert found["compile_result"]["status"] == "TimeLimitExceeded", found


def test_the_names_of_languages_are_those_of_the_protocol(server: Served) -> None:
    need("javascript")
    need("bash")
    assert server.run_code("console.log(1 + 1)", language="nodejs")["run_result"]["stdout"] == "2\n"
    assert server.run_code("echo $((1 + 1))", language="bash")["run_result"]["stdout"] == "2\n"


def test_php_may_come_without_its_tag(server: Served) -> None:
    need("php")
    assert server.run_code("echo 1 + 1;", language="php")["run_result"]["stdout"] == "2"


def test_a_language_that_is_not_here_says_nothing_about_the_program(server: Served) -> None:
    found = server.run_code("theorem x : True := trivial", language="lean")
    assert (found["status"], found["run_result"]) == ("SandboxError", None)
    assert "lean" in found["message"]


def test_files_stand_beside_the_program_and_come_back(server: Served) -> None:
    files = {
        "grader.py": packed("def grade(x):\n    return x * 2\n"),
        "data/in.txt": packed("21"),
        "nothing.txt": None,
        "IGNORE_THIS_FILE.txt": packed("x"),
    }
    code = (
        "import os\nfrom grader import grade\nwith open('out.txt', 'w') as out:\n"
        "    out.write(str(grade(int(open('data/in.txt').read()))))\n"
        "print(sorted(name for name in os.listdir() if name.endswith('.txt')))\n"
    )
    found = server.run_code(code, files=files, fetch_files=["out.txt", "missing.txt"])
    assert found["run_result"]["stderr"] == ""
    assert found["run_result"]["stdout"] == "['out.txt']\n"
    assert found["files"] == {"out.txt": packed("42")}


@pytest.mark.parametrize("path", ["/etc/passwd", "../x", "a/../../x", "", "a\0b"])
def test_a_path_outside_of_the_working_folder_is_refused(path: str, server: Served) -> None:
    body = {"code": "", "language": "python"}
    for more in ({"files": {path: packed("x")}}, {"fetch_files": [path]}):
        answer = server.client.post("/run_code", json={**body, **more})
        assert answer.status_code == 422, answer.text


BAD: Mapping[str, object] = {
    "no code": {"language": "python"},
    "a number for code": {"code": 1, "language": "python"},
    "an unknown language": {"code": "", "language": "klingon"},
    "no time": {"code": "", "language": "python", "run_timeout": 0},
    "no base64": {"code": "", "language": "python", "files": {"a": "%"}},
    "a list": [],
}


@pytest.mark.parametrize("name", BAD)
def test_a_bad_request_says_what_is_wrong_with_it(name: str, server: Served) -> None:
    answer = server.client.post("/run_code", json=BAD[name])
    assert answer.status_code == 422
    assert answer.json()["detail"][0]["loc"][0] == "body"


def test_no_json_is_a_bad_request_too(server: Served) -> None:
    for body in (b"", b"{", b"\xff\xfe", b'"x"'):
        assert server.client.post("/run_code", content=body).status_code == 422


def test_bytes_chosen_at_random_never_break_the_server(server: Served) -> None:
    rng = random.Random(7)
    good = json.dumps(
        {"code": "print(1)", "language": "python", "stdin": "é", "files": {"a": packed("b")}}
    ).encode()
    for _ in range(200):
        body = bytearray(good)
        for _ in range(rng.randrange(1, 4)):
            body[rng.randrange(len(body))] = rng.randrange(256)
        answer = server.client.post("/run_code", content=bytes(body))
        assert answer.status_code in (200, 422), answer.text
    assert server.run_code("print(2)")["run_result"]["stdout"] == "2\n"


def test_a_wish_beyond_the_limit_of_the_server_is_cut_and_said(server: Served) -> None:
    found = server.run_code("print(1)", run_timeout=10_000, memory_limit_MB=1 << 20)
    assert found["status"] == "Success"
    assert "run_timeout was lowered to 600 s" in found["message"]
    assert "memory_limit_MB was lowered to 4096" in found["message"]


def test_equal_programs_are_run_each_time(server: Served) -> None:
    code = "import time; print(time.time_ns())"
    seen = {server.run_code(code)["run_result"]["stdout"] for _ in range(3)}
    assert len(seen) == 3
