"""Precompiled headers make whole C++ programs and scripts faster and change nothing else."""

import os
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from synth.execution.isolation.process import ProcessSandbox
from synth.execution.local.sandbox import LocalSandbox
from synth.execution.programs import header_sets
from synth.execution.programs.build import prepare_shared
from synth.execution.programs.exclusive_lock import SharedExclusiveLock
from synth.execution.programs.header_sets import HeaderSets
from synth.execution.programs.language_runner import LanguageRunner
from synth.languages.cpp.headers import first_headers
from synth.languages.registry import get_language
from synth.languages.spec import Headers, Precompiled
from synth.languages.toolchain import find_toolchain
from synth.records import ExecutionRequest, Observation, Phase, ScriptCall, StdioCall
from tests.builders import Run
from tests.languages.cheat_files import read_cheats
from tests.languages.toolchains import need

STDIO = StdioCall(stdins=("1 2 3\n",))


def test_a_precompiled_header_brings_nothing_that_was_not_included(
    local_sandbox: LocalSandbox, run: Run[Any]
) -> None:
    need("cpp")
    body = "int main() { std::map<int, int> m{{1, 2}}; std::cout << m.at(1); }\n"
    heads = {
        "all": "#include <bits/stdc++.h>\n",
        "both": "#include <iostream>\n#include <map>\n",
        "one": "#include <iostream>\n",
        "the driver": "#include <bits/stdc++.h>\n#include <driver.hpp>\n",
    }
    call = StdioCall(stdins=("",))
    requests = [
        ExecutionRequest(id=name, language="cpp", code=head + body, call=call) for name, head in heads.items()
    ]
    seen: list[Observation] = run(local_sandbox.execute(requests))
    assert [one.phase for one in seen] == [Phase.RUN, Phase.RUN, Phase.COMPILE, Phase.COMPILE], seen
    assert [case.output for one in seen[:2] for case in one.cases] == ["2", "2"]


@pytest.mark.parametrize(
    ("code", "found"),
    [
        ("#include <bits/stdc++.h>\nint x;", Headers("all")),
        ("#include<assert.h>\n#include<bits/stdc++.h>\n", Headers("all")),
        ("// a\n\n/* b\n#include <map> */ #include <cstdio> // c\n#include <bits/stdc++.h>", Headers("all")),
        ("#include <assert.h>\n#line 1\n#include <iostream>\n", Headers("first", ("assert.h", "iostream"))),
        ("#include <vector>\r\n#include <map>\r\n", Headers("first", ("map", "vector"))),
        ("#define ll long long\n#include <vector>\n", Headers("first", ("vector",))),
        ("#include <vector>\n#define ll long long\n#include <map>\n", Headers("first", ("vector",))),
        ("#include <iostream>\n#include <iostream>\n", Headers("first")),
        ("#include <iostream>\nint x;\n#include <map>\n", Headers("first")),
        ("#include <iostream>\n#if 0\n#include <map>\n#endif\n", Headers("first")),
        ("#include <iostream>\n/*\n#include <map>\n*/\n", Headers("first")),
        ("#include <iostream>\n#include <strange>\n#include <map>\n", Headers("first")),
        ('#include <iostream>\n#include "map"\n', Headers("first")),
        ("#include <iostream>\n// \\\n#include <map>\n", Headers("first")),
        ("#include <iostream>\n/* *\\\n/ int x; /* */\n#include <map>\n", Headers("first")),
        ("#pragma GCC optimize(3)\n#include <map>\n", Headers("first")),
        ("#ifdef X\n#include <map>\n#endif\n", Headers("first")),
        ("#include <map> int x;\n", Headers("first")),
        ("#include <math.h>\n#include <bits/stdc++.h>\n", Headers("first", ("bits/stdc++.h", "math.h"))),
        ("", Headers("first")),
        ("/*" + "*" * 100_000, Headers("first")),
    ],
)
def test_headers_are_those_that_a_program_surely_includes_first(code: str, found: Headers) -> None:
    assert first_headers(code) == found


TRICKY = read_cheats(Path(__file__).with_name("cpp_headers.txt").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def runners(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[LanguageRunner, LanguageRunner]]:
    """One with precompiled headers, which precompiles every set at once, and one without."""
    need("cpp")
    language, toolchain = get_language("cpp"), find_toolchain("cpp")
    assert toolchain and language.driver and language.precompiled
    bare = tuple(word for word in language.compile_command if word not in ("-isystem", "{headers}"))
    cold = replace(language, precompiled=None, compile_command=bare, driver=None)
    shared = prepare_shared(language.driver, toolchain, "cpp")
    with pytest.MonkeyPatch.context() as patch, ProcessSandbox() as sandbox:
        patch.setattr(header_sets, "cache_folder", lambda: tmp_path_factory.mktemp("cache"))
        warm = LanguageRunner(sandbox, language, toolchain, SharedExclusiveLock())
        warm.prepare()
        warm._builder._header_sets = HeaderSets("cpp", language.precompiled, toolchain, shared, worth=1)
        yield warm, LanguageRunner(sandbox, cold, toolchain, SharedExclusiveLock())


@pytest.mark.parametrize("name", TRICKY)
def test_a_program_is_the_same_with_and_without_precompiled_headers(
    name: str, runners: tuple[LanguageRunner, LanguageRunner]
) -> None:
    request = ExecutionRequest(id="a", language="cpp", code=TRICKY[name], call=STDIO)
    warm, cold = (_said(runner.run(request)) for runner in runners)
    assert warm == cold


def test_a_script_is_the_same_with_and_without_precompiled_headers(
    runners: tuple[LanguageRunner, LanguageRunner],
) -> None:
    script = "int main() { assert(twice(2) == 4); }\n"
    codes = {
        "right": "#include <bits/stdc++.h>\nint twice(int x) { return x + x; }\n",
        "wrong": "#include <assert.h>\n#include <iostream>\nint twice(int x) { return x * x + 1; }\n",
        "switched off": "#define NDEBUG\n#include <assert.h>\nint twice(int x) { return 1; }\n",
        "refused": "#include <iostream>\n\nint twice(int x) { return nothing; }\n",
    }
    for code in codes.values():
        request = ExecutionRequest(id="a", language="cpp", code=code, call=ScriptCall(script=script))
        warm, cold = (_said(runner.run(request)) for runner in runners)
        assert warm == cold


def _said(seen: Observation) -> dict[str, Any]:
    """All that a program can show, but for how long it took and how much it needed."""
    return seen.model_dump(mode="json", exclude={"cpu_s", "wall_s", "peak_memory_mb"})


LISTING = Precompiled(
    first=lambda code: Headers("first", tuple(code.split())),
    source=lambda names: "\n".join(names),
    command=("/bin/sh", "-c", 'test "$2" != bad && mkdir $1 && cp $0 $1', "{source}", "{folder}", "{names}"),
)


@pytest.fixture
def sets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> HeaderSets:
    monkeypatch.setattr(header_sets, "cache_folder", lambda: tmp_path)
    toolchain = find_toolchain("bash")
    assert toolchain is not None
    return HeaderSets("any", LISTING, toolchain, tmp_path, worth=3)


def test_a_set_is_made_once_enough_programs_asked_for_it(sets: HeaderSets) -> None:
    assert [sets.folder(("a", "b")) for _ in range(2)] == [None, None]
    made = sets.folder(("a", "b"))
    assert made is not None
    assert (made / "set.hpp").read_text() == "a\nb"
    assert sets.folder(("a", "b")) == made
    assert sets.folder(("a",)) is None


def test_a_set_that_cannot_be_made_is_not_tried_again(sets: HeaderSets) -> None:
    assert [sets.folder(("bad",)) for _ in range(9)] == [None] * 9
    assert sets._failed == {("bad",)}
    assert not [path for path in sets.room.iterdir() if path.is_dir()]


def test_sets_are_bounded_and_one_in_use_is_never_removed(
    sets: HeaderSets, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(header_sets, "MOST_SETS", 2)
    first, second = (_made(sets, name) for name in ("a", "b"))
    assert first is not None
    assert second is not None
    assert _made(sets, "c") is None, "both are in use"
    os.utime(first.parent, (1, 1))
    assert _made(sets, "d") is not None
    assert not first.exists()
    assert second.exists()


def test_sets_are_bounded_in_bytes(sets: HeaderSets, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(header_sets, "LARGEST", 40)
    monkeypatch.setattr(header_sets, "MOST_BYTES", 60)
    assert _made(sets, "x" * 50) is None, "too large"
    first = _made(sets, "y" * 18)
    assert first is not None
    os.utime(first.parent, (1, 1))
    assert _made(sets, "z" * 18) is not None
    assert not first.exists()


def test_a_set_that_was_removed_is_made_again(sets: HeaderSets) -> None:
    made = _made(sets, "a")
    assert made is not None
    shutil.rmtree(made.parent)
    assert sets.folder(("a",)) is None
    assert _made(sets, "a") == made
    assert made.is_dir()


def _made(sets: HeaderSets, name: str) -> Path | None:
    return [sets.folder((name,)) for _ in range(3)][-1]
