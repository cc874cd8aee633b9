"""A solution has to be written, not imported: ways to the seed in the library, and honest programs."""

import sysconfig
from pathlib import Path

import pytest

from synth.filters.protocol import Keep, Reject
from synth.filters.seed_import import check_seed_import, seed_module
from synth.records import Decision, Origin
from synth.seeds.python.closure import ClosedProgram
from synth.seeds.python.self_contained import check_self_contained, last_function
from synth.stages.syntax import SyntaxStage
from tests.builders import build_seed, build_solution, build_task
from tests.stages.harness import build_shard, run_stage

CHEATS = (
    "from string import capwords",
    "from string import capwords as solve",
    "from string import *",
    "import string\ndef solve(s):\n    return string.capwords(s)",
    "import string as t\nsolve = t.capwords",
    "def solve(s):\n    import string\n    return string.capwords(s)",
    "import importlib\nsolve = importlib.import_module('string').capwords",
    "from importlib import import_module as m\nsolve = m('str' + 'ing').capwords",
    "solve = __import__('string').capwords",
    "i = __builtins__['__imp' + 'ort__']\nsolve = i('string').capwords",
    "import builtins\nsolve = builtins.__import__('string').capwords",
    "import sys\nsolve = sys.modules['string'].capwords",
    "from sys import modules\nsolve = modules['string'].capwords",
    "import sys as s\nm = s.modules\nsolve = m['string'].capwords",
    "import textwrap\nsolve = textwrap.re.enum.sys.modules['string'].capwords",
    "from textwrap import re\nsolve = re.enum.sys.modules['string'].capwords",
    "import random as r\nx = r\nsolve = x._os.sys.modules['string'].capwords",
    "import pkgutil\nsolve = pkgutil.resolve_name('string:capwords')",
    "import pydoc\nsolve = pydoc.locate('string.capwords')",
    "import pickle\nsolve = pickle.loads(b'cstring\\ncapwords\\n.')",
    "import runpy\nsolve = runpy.run_module('string')['capwords']",
    "exec('from string import capwords as solve')",
    "solve = eval('__imp' + 'ort__(\"string\")').capwords",
    "g = globals()['__builtins__']\nsolve = g.__import__('string').capwords",
    "import math\nsolve = getattr(math, '__loader__').load_module('string').capwords",
    "import math\nsolve = math.__loader__.load_module('string').capwords",
    "import copy\nsolve = copy.deepcopy.__globals__['__builtins__']['__import__']('string').capwords",
    "[c for c in ().__class__.__base__.__subclasses__() if c.__name__ == 'Template']",
    "solve = print.__self__.__import__('string').capwords",
    "from operator import attrgetter\nimport copy\nf = attrgetter('weakref')(copy)",
    "import inspect\nimport subprocess",
    "from logging import capwords",
    "from . import string",
    "import os, string.templatelib",
    "import _string",
)

HONEST = (
    "def solve(s):\n    return ' '.join(w.capitalize() for w in s.split())",
    "import re\ndef solve(s):\n    return re.sub(r'\\w+', lambda m: m.group().title(), s)",
    "from typing import List\nfrom collections import Counter\ndef f(x: List):\n    return Counter(x)",
    "import math, heapq, bisect\nfrom functools import lru_cache\ndef solve(x):\n    return math.floor(x)",
    "import datetime\nfrom datetime import time\ndef solve(x):\n    return datetime.datetime(2020, 1, 1)",
    "import collections.abc\ndef solve(x):\n    return isinstance(x, collections.abc.Mapping)",
    "class A:\n    def capwords(self):\n        return 1\n\ndef solve(x):\n    return A().capwords()",
    "def capwords(s):\n    string = s\n    return string.upper()",
    "def solve(input):\n    return input.split()",
    "def solve(",
)


@pytest.mark.parametrize("code", CHEATS)
def test_a_way_to_the_seed_is_refused(code: str) -> None:
    found = check_seed_import(code, "string", "capwords")
    assert isinstance(found, Reject)
    assert found.reason == "imports_the_seed"
    assert found.evidence["line"]


@pytest.mark.parametrize("code", HONEST)
def test_an_honest_program_is_kept(code: str) -> None:
    assert check_seed_import(code, "string", "capwords") == Keep()


@pytest.mark.parametrize(
    ("module", "name", "code"),
    [
        ("bisect", "bisect_left", "import _bisect\nsolve = _bisect.bisect_left"),
        ("heapq", "merge", "from heapq import merge as solve"),
        ("_pydecimal", "_normalize", "import decimal"),
        ("posixpath", "join", "import os\nsolve = os.path.join"),
        ("json.decoder", "scanstring", "import json\nsolve = json.decoder.scanstring"),
        ("collections", "namedtuple", "from functools import namedtuple"),
        ("collections", "namedtuple", "import functools as f\nsolve = f.namedtuple"),
    ],
)
def test_twins_packages_and_names_passed_on_are_refused(module: str, name: str, code: str) -> None:
    assert isinstance(check_seed_import(code, module, name), Reject)


def test_only_seeds_of_importable_sources_have_a_module() -> None:
    assert seed_module(Origin(source="stdlib", path="json/decoder.py"), "python") == "json.decoder"
    assert seed_module(Origin(source="site-packages", path="rich/__init__.py"), "python") == "rich"
    assert seed_module(Origin(source="mine", path="string.py"), "python") == ""
    assert seed_module(Origin(source="stdlib", path="string.py"), "javascript") == ""


def test_the_stage_refuses_what_imports_the_seed_of_its_own_task() -> None:
    stdlib = build_seed(
        "seed-1",
        "def capwords(s):\n    return s.title()",
        origin=Origin(source="stdlib", path="string.py"),
        contract=None,
    )
    other = build_seed("seed-2", "def f(s):\n    return s")
    cheat = "from string import capwords as solve"
    shard = build_shard(
        *(stdlib, other, build_task("t1"), build_task("t2", seed_id="seed-2")),
        build_solution("s1", cheat, task_id="t1"),
        build_solution("s2", "def solve(xs):\n    return sum(xs)", task_id="t1"),
        build_solution("s3", cheat, task_id="t2"),
        build_solution("s4", "def solve = 1", task_id="t1", language="ruby"),
    )
    run = run_stage(SyntaxStage(), shard)
    assert run.decision("s1") == (Decision.REJECTED, "imports_the_seed")
    assert run.evidence("s1") == {"line": 1, "found": "string.capwords"}
    assert [run.decision(one)[0] for one in ("s2", "s3", "s4")] == [Decision.KEPT] * 3


def test_closed_functions_of_the_library_are_honest_solutions_of_other_tasks() -> None:
    """What people wrote with pure modules: few of these programs may be refused."""
    kept = refused = 0
    for name in ("bisect", "textwrap", "statistics", "fnmatch", "colorsys", "difflib", "calendar", "shlex"):
        text = (Path(sysconfig.get_paths()["stdlib"]) / f"{name}.py").read_text(encoding="utf-8")
        if last_function(text) and isinstance(closed := check_self_contained(text, "python"), ClosedProgram):
            answer = check_seed_import(closed.code, "string", "capwords")
            kept, refused = kept + (answer == Keep()), refused + (answer != Keep())
    assert kept >= 2
    assert refused == 0
