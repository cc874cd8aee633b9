"""Which files of a tree are read, and why others are refused."""

import contextlib
import os
import pickle
import socket
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from synth.config import SourceTreeSeedsConfig
from synth.errors import RecipeError
from synth.filters.protocol import Reject
from synth.seeds.cut import cut_file
from synth.seeds.files import find_files, read_file, resolve_root
from synth.seeds.licences import find_licence
from synth.seeds.protocol import FileRef, SeedRejection, SourceFile
from synth.seeds.source_tree import list_units, read_cuts
from tests.open_folders import open_to_others

GOOD = "def f(a):\n    b = a + 1\n    return b\n"


def tree(root: Path, files: dict[str, str | bytes]) -> Path:
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text.encode() if isinstance(text, str) else text)
    return root


def config(root: Path, **changes: object) -> SourceTreeSeedsConfig:
    return SourceTreeSeedsConfig.model_validate({"paths": (str(root),), "shuffle": False, **changes})


def names(root: Path, **changes: object) -> list[str]:
    return [ref.relative for ref in find_files(config(root, **changes), root)]


def test_files_come_in_order_and_other_languages_and_foreign_folders_stay_out(tmp_path: Path) -> None:
    ours = {"b.py": GOOD, "a/z.py": GOOD, "a/c.js": "x"}
    foreign = {
        f"{folder}/x.py": GOOD
        for folder in (".git", "node_modules", "vendor", "pip/_vendor", "__pycache__", "env")
    }
    tree(tmp_path, {**ours, **foreign, "env/pyvenv.cfg": ""})
    assert names(tmp_path) == ["b.py", "a/z.py"]
    assert names(tmp_path, languages=("javascript",)) == ["a/c.js"]


def test_excluded_patterns_are_left_out(tmp_path: Path) -> None:
    tree(tmp_path, {"a.py": GOOD, "gen/b.py": GOOD, "c_pb2.py": GOOD})
    assert names(tmp_path, exclude=("gen", "*_pb2.py")) == ["a.py"]


def test_a_loop_of_links_ends(tmp_path: Path) -> None:
    tree(tmp_path, {"a/b.py": GOOD})
    (tmp_path / "a" / "again").symlink_to(tmp_path, target_is_directory=True)
    (tmp_path / "self.py").symlink_to(tmp_path / "self.py")
    refs = list(find_files(config(tmp_path), tmp_path))
    assert [ref.relative for ref in refs] == ["self.py", "a/again", "a/b.py"]
    assert [read_file(ref) for ref in refs[:2]] == [Reject("symbolic_link")] * 2


def test_a_link_is_counted_and_never_followed(tmp_path: Path) -> None:
    outside = tree(
        tmp_path / "outside", {"settings.py": f"KEY = 'decoy of the house'\n{GOOD}", "p/q.py": GOOD}
    )
    root = tree(tmp_path / "root", {"a.py": GOOD, ".git/x.py": GOOD})
    (root / "util.py").symlink_to(outside / "settings.py")
    (root / "inner.py").symlink_to(root / "a.py")
    (root / "gone.py").symlink_to(root / "nowhere.py")
    (root / "package").symlink_to(outside / "p", target_is_directory=True)
    (root / "vendor").symlink_to(outside, target_is_directory=True)
    (root / "notes.txt").symlink_to(outside / "settings.py")
    cuts = list(read_cuts(config(root), tmp_path))
    links = {cut.ref.relative: cut.ref.language for cut in cuts if cut.reject == Reject("symbolic_link")}
    assert links == {"util.py": "python", "inner.py": "python", "gone.py": "python", "package": ""}
    assert [cut.ref.relative for cut in cuts if cut.file is not None] == ["a.py"]
    assert "decoy" not in repr(cuts)


def test_special_files_are_refused_and_never_opened(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.py")
    server = socket.socket(socket.AF_UNIX)
    server.bind(str(tmp_path / "socket.py"))
    expected = ["pipe.py", "socket.py"]
    if os.geteuid() == 0:
        with contextlib.suppress(PermissionError):
            os.mknod(tmp_path / "endless.py", stat.S_IFCHR | 0o600, os.makedev(1, 5))  # /dev/zero
            expected.insert(0, "endless.py")
    refs = list(find_files(config(tmp_path), tmp_path))
    assert [ref.relative for ref in refs] == expected
    refused = Reject("unreadable", {"error": "not a regular file"})
    assert [read_file(ref) for ref in refs] == [refused] * len(expected)
    server.close()


def test_a_file_is_read_no_further_than_the_limit(tmp_path: Path) -> None:
    with (tmp_path / "sparse.py").open("wb") as file:
        file.truncate(1 << 40)
    refused = read_file(next(find_files(config(tmp_path), tmp_path)))
    assert refused == Reject("too_long", {"bytes": 1 << 40, "limit": 1 << 20})


def test_names_that_are_not_utf8_stay_apart(tmp_path: Path) -> None:
    for name in (b"a\xff.py", b"a\xfe.py"):
        Path(os.fsdecode(os.fsencode(tmp_path) + b"/" + name)).write_text(GOOD)
    refs = list(find_files(config(tmp_path), tmp_path))
    assert [ref.relative for ref in refs] == ["a\\xfe.py", "a\\xff.py"]
    assert len({ref.id for ref in refs}) == 2
    assert all(isinstance(read_file(ref), SourceFile) for ref in refs)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")
def test_a_folder_that_cannot_be_listed_is_counted(tmp_path: Path) -> None:
    tree(tmp_path, {"a.py": GOOD, "closed/b.py": GOOD})
    (tmp_path / "closed").chmod(0)
    program = (
        "import os, sys\nfrom pathlib import Path\nfrom synth.config import SourceTreeSeedsConfig\n"
        "from synth.seeds.files import find_files, read_file\n"
        "from synth.languages.registry import source_extensions\nsource_extensions()\n"
        "root = Path(sys.argv[1])\nos.chdir(root)\nos.setuid(65534)\n"
        "refs = list(find_files(SourceTreeSeedsConfig(paths=('.',), shuffle=False), Path('.')))\n"
        "print([ref.relative for ref in refs], read_file(refs[1]))\n"
    )
    open_to_others(tmp_path)
    done = subprocess.run(
        [sys.executable, "-c", program, str(tmp_path)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert "['a.py', 'closed'] Reject(reason='unreadable'" in done.stdout, done.stderr


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"\xff\xfe broken", "unreadable"),
        (b"a\0b", "unreadable"),
        ("   \n", "too_short"),
        ("# Generated by a tool. DO NOT EDIT.\n" + GOOD, "generated_file"),
        ('"""Parser.\n\nThis file was generated by yacc.\n"""\n' + GOOD, "generated_file"),
        ("x = '" + "a" * 3000 + "'\n", "generated_file"),
        ("x = 1\n" * 200_000, "too_long"),
    ],
)
def test_refused_files_have_their_reason(tmp_path: Path, content: str | bytes, reason: str) -> None:
    tree(tmp_path, {"a.py": content})
    found = read_file(next(find_files(config(tmp_path), tmp_path)))
    assert isinstance(found, Reject)
    assert found.reason == reason


def test_code_that_speaks_of_generated_things_is_not_generated(tmp_path: Path) -> None:
    text = 'MESSAGE = "this file was generated by us, do not edit"\n' + GOOD
    tree(tmp_path, {"a.py": text})
    found = read_file(next(find_files(config(tmp_path), tmp_path)))
    assert isinstance(found, SourceFile)


def test_the_text_is_kept_byte_for_byte(tmp_path: Path) -> None:
    tree(tmp_path, {"a.py": b"x = 1\r\ny = '\xe4\xb8\x96'\r\n"})
    found = read_file(next(find_files(config(tmp_path), tmp_path)))
    assert isinstance(found, SourceFile)
    assert found.text.encode() == b"x = 1\r\ny = '\xe4\xb8\x96'\r\n"


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads everything")
def test_a_file_without_permission_is_a_rejection(tmp_path: Path) -> None:
    tree(tmp_path, {"a.py": GOOD})
    (tmp_path / "a.py").chmod(0)
    assert isinstance(read_file(next(find_files(config(tmp_path), tmp_path))), Reject)


def test_a_file_that_went_away_is_a_rejection(tmp_path: Path) -> None:
    refused = read_file(FileRef("s", str(tmp_path / "gone.py"), "gone.py", "python"))
    assert isinstance(refused, Reject)
    assert refused.reason == "unreadable"


def test_a_random_choice_of_files_repeats_and_changes_with_the_round(tmp_path: Path) -> None:
    tree(tmp_path, {f"m{at:03}.py": GOOD for at in range(60)})
    limited = config(tmp_path, max_files=20, shuffle=True)
    first, again, next_round = (
        [ref.relative for ref in find_files(limited, tmp_path, 7, round_)] for round_ in (0, 0, 1)
    )
    assert first == again == sorted(first)
    assert len(first) == 20
    assert first != next_round


def test_a_folder_that_is_not_there_is_the_users_error(tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match="must be an existing folder"):
        list(find_files(config(tmp_path / "nowhere"), tmp_path))
    with pytest.raises(RecipeError, match="@site-packages"):
        resolve_root("@unknown", tmp_path)


def test_the_running_pythons_own_library_can_be_named(tmp_path: Path) -> None:
    source, root = resolve_root("@stdlib", tmp_path)
    assert source == "stdlib"
    assert (root / "bisect.py").is_file()


def test_every_function_comes_out_once_and_cuts_can_be_pickled(tmp_path: Path) -> None:
    head = "import math\nK = 2\n\ndef helper(a):\n    b = a * K\n    return b\n\n"
    text = head + "def f(a):\n    b = helper(a)\n    return math.sqrt(b)\n\ndef stub(a):\n    pass\n"
    tree(tmp_path, {"a.py": text})
    cut = pickle.loads(pickle.dumps(cut_file(next(find_files(config(tmp_path), tmp_path)), config(tmp_path))))
    units = list(list_units(cut))
    assert [isinstance(unit, SeedRejection) for unit in units] == [False, False, True]
    seed = units[1]
    assert not isinstance(seed, SeedRejection)
    assert seed.code.startswith("import math\n")
    assert "K = 2" in seed.code
    assert "def helper" in seed.code
    assert (seed.origin.path, seed.origin.start_line, seed.origin.end_line) == ("a.py", 8, 10)


def test_a_refused_file_is_one_rejection(tmp_path: Path) -> None:
    tree(tmp_path, {"a.py": b"\xff"})
    units = [unit for cut in read_cuts(config(tmp_path), tmp_path) for unit in list_units(cut)]
    assert [(unit.kind, unit.reject.reason) for unit in units if isinstance(unit, SeedRejection)] == [
        ("file", "unreadable")
    ]


def test_several_workers_give_the_same_cuts_in_the_same_order(tmp_path: Path) -> None:
    tree(tmp_path, {f"m{at:02}.py": GOOD.replace("f(", f"f{at}(") for at in range(40)})
    assert list(read_cuts(config(tmp_path), tmp_path, workers=2)) == list(
        read_cuts(config(tmp_path), tmp_path)
    )


def test_the_licence_is_what_the_checkout_says(tmp_path: Path) -> None:
    tree(
        tmp_path,
        {"LICENSE": "MIT\n\nPermission is hereby granted, free of charge, to any person", "a.py": GOOD},
    )
    assert find_licence("checkout", tmp_path, "a.py") == "MIT"
    assert find_licence("stdlib", tmp_path, "a.py") == "PSF-2.0"
