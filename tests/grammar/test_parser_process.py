"""Hostile text is parsed elsewhere: what a parser costs and what becomes of it never reaches this process."""

import os
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from random import Random

import pytest
from tree_sitter import Node as NativeNode
from tree_sitter import Parser

from synth.grammar.loader import GRAMMARS, load_grammar
from synth.grammar.lockdown import USER
from synth.grammar.nodes import Node, Tree
from synth.grammar.parser_process import MOST_BYTES, Answer, ParserPool, UnparsedError, parsers
from synth.grammar.trees import native_error, parse, parse_error, walk
from synth.languages.registry import all_languages
from tests.cpu_time import cpu_time

KB = 1024
BOMBS = {
    "java": (b"a<", 60 * KB),
    "scala": (b"a<", 60 * KB),
    "lua": (b"a<", 80 * KB),
    "perl": (b"(", 60 * KB),
    "bash": (b"\0", 60 * KB),
    "haskell": (b"(a", 60 * KB),
}
MORE = (("perl", b"<<A;\n", 60 * KB), ("scala", b"`", 60 * KB), ("haskell", b"\0", 60 * KB))
"""One grammar and one pattern each, that took seconds to minutes in one process."""
PATTERNS = (b"a<", b"(", b"\0", b"`", b"<<A;\n", b"{[", b"if ", b"'\"", b"/*", b"\xff\xfe", b"a\n ")
SUPERVISOR_CPU_S = 0.1


def errors(answer: Answer) -> object:
    return answer.head["error"]


def own_cpu_of_parsing(text: bytes, grammar: str) -> float:
    """What this process pays for one text; whether it is parsed does not matter."""
    with cpu_time() as used, suppress(UnparsedError):
        parsers().ask("error", grammar, text, errors)
    return used.seconds


@pytest.mark.parametrize(
    ("grammar", "pattern", "size"), [*((name, *bomb) for name, bomb in BOMBS.items()), *MORE]
)
def test_a_parser_bomb_costs_the_supervisor_nothing(grammar: str, pattern: bytes, size: int) -> None:
    text = (pattern * (size // len(pattern) + 1))[:size]
    assert own_cpu_of_parsing(text, grammar) < SUPERVISOR_CPU_S


@pytest.mark.parametrize("grammar", sorted(GRAMMARS))
def test_no_pattern_costs_the_supervisor_more_than_its_share(grammar: str) -> None:
    random = Random(grammar)
    pattern, size = random.choice(PATTERNS), random.randrange(20, 70) * KB
    assert own_cpu_of_parsing((pattern * size)[:size], grammar) < SUPERVISOR_CPU_S
    mixed = b"".join(random.choices(PATTERNS, k=4_000))
    assert own_cpu_of_parsing(mixed, grammar) < SUPERVISOR_CPU_S


def test_a_tree_that_took_too_long_is_an_error_of_its_own() -> None:
    with pytest.raises(UnparsedError, match=r"more than 0\.5 s"):
        parse(b"a<" * 40_000, "lua")
    assert parse_error("local a = 1 < 2", "lua") is None


def test_a_text_above_the_limit_is_not_sent() -> None:
    with pytest.raises(UnparsedError, match="longer"):
        parse_error(" " * (MOST_BYTES + 1), "c")
    assert parse_error(" " * MOST_BYTES, "c") is None


def test_a_statement_that_explodes_in_its_own_parser_ends_there() -> None:
    names = "\n".join(f", t{n} AS (SELECT a.x FROM t{n - 1} a, t{n - 1} b)" for n in range(1, 40))
    with cpu_time() as used, pytest.raises(UnparsedError):
        native_error(f"WITH t0 AS (SELECT 1 AS x){names} SELECT * FROM t39;", "sqlite")
    assert used.seconds < SUPERVISOR_CPU_S


def test_integers_of_any_length_are_no_syntax_error() -> None:
    assert native_error(f"x = {'7' * 20_000}", "cpython") is None


def test_a_parser_that_was_killed_is_replaced() -> None:
    pool = ParserPool(1)
    pool.ask("error", "c", b"int a;", errors)
    (killed,) = pool.idle
    os.kill(killed, signal.SIGKILL)
    assert pool.ask("error", "c", b"int a;", errors) is None
    assert pool.idle != (killed,)
    pool.close()


def test_a_crash_at_each_try_leaves_the_text_unparsed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("synth.grammar.parser_process._START", CRASHING)
    with pytest.raises(UnparsedError, match="its parser ended"):
        ParserPool(1).ask("error", "c", b"int a;", errors)


CRASHING = (
    "import os, signal\n"
    'os.write(0, b\'{"ready": true, "bytes": 0}\\n\'); os.read(0, 1); os.kill(os.getpid(), signal.SIGSEGV)'
)
LYING = (
    "import os\n"
    'os.write(0, b\'{"ready": true, "bytes": 0}\\n\'); os.read(0, 1)\n'
    "while True: os.write(0, ANSWER)"
)


@pytest.mark.parametrize(
    "answer", [b"{}\n", b"[]\n", b"x\n", b'{"bytes": -1}\n', b'{"bytes": "a"}\n', b"x" * 4096]
)
def test_a_parser_that_answers_nonsense_is_ended(monkeypatch: pytest.MonkeyPatch, answer: bytes) -> None:
    monkeypatch.setattr("synth.grammar.parser_process._START", LYING.replace("ANSWER", repr(answer)))
    with pytest.raises(UnparsedError):
        ParserPool(1).ask("error", "c", b"int a;", errors)


@pytest.mark.parametrize("user", [0, 65534])
def test_parsers_may_do_nothing_but_parse(user: int) -> None:
    program = (
        "import os, socket\n"
        "from synth.grammar.lockdown import lock_down, USER\n"
        f"if os.geteuid() == 0: os.setuid({user})\n"
        "lock_down()\n"
        "for act in (lambda: open('/etc/hostname'), socket.socket, os.fork, lambda: os.kill(1, 0)):\n"
        "    try: act()\n"
        "    except OSError: continue\n"
        "    os._exit(1)\n"
        "os._exit(7)\n"
    )
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 7


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")
def test_a_parser_of_root_is_nobody() -> None:
    parse_error("int a;", "c")
    statuses = [Path(f"/proc/{pid}/status").read_text() for pid in parsers().idle]
    assert statuses
    assert all(f"Uid:\t{USER}\t{USER}" in status and "Seccomp:\t2" in status for status in statuses)


def facts(node: "Node | NativeNode") -> tuple[object, ...]:
    body = node.child_by_field_name("body")
    before = node.prev_named_sibling
    return (
        (node.type, node.start_byte, node.end_byte, node.start_point.row, node.end_point.row),
        (node.is_named, node.is_error, node.is_missing, node.has_error, node.named_child_count),
        (body and body.start_byte, before and before.start_byte),
        tuple(map(facts, node.children)),
    )


@pytest.mark.parametrize("name", [language.name for language in all_languages() if language.grammar])
def test_a_tree_from_the_parser_reads_like_tree_sitters_own(name: str) -> None:
    (language,) = (one for one in all_languages() if one.name == name)
    for text in (language.hello.encode(), language.hello.encode()[:-30] + b"(\n"):
        own = Parser(load_grammar(language.grammar)).parse(text)
        assert facts(parse(text, language.grammar).root_node) == facts(own.root_node)


def test_a_tree_can_be_cut_off_below_its_first_level() -> None:
    root = parse(b"int a; int f() { return 1; }", "c", depth=1).root_node
    assert [child.type for child in root.children] == ["declaration", "function_definition"]
    assert len(list(walk(root))) == 3


def test_reading_a_tree_of_random_numbers_ends() -> None:
    random = Random(5)
    for _ in range(200):
        wild, tame = random.randbytes(960), bytes(random.choices(range(2), k=960))
        body = random.choice((wild, tame))
        root = Tree(b"abc\n" * 9, {"kinds": {"1": "a"}, "fields": {}}, body).root_node
        assert sum(1 for node in walk(root) if node.start_point.row >= 0) <= 40


def test_a_parser_imports_nothing_from_the_current_folder(tmp_path: Path) -> None:
    (tmp_path / "sqlite3.py").write_text("raise SystemExit('the wrong module')")
    program = (
        "import sys; sys.path.insert(0, '')\n"
        "from synth.grammar.trees import parse_error; print(parse_error('int a', 'c').message)"
    )
    command = [sys.executable, "-P", "-c", program]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.stdout == "missing ;\n", done.stderr
