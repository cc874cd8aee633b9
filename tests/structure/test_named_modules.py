"""A module that a docstring names exists and is connected to the one that names it: one of the two imports or
starts the other. So "place in the flow" cannot go stale when a file moves."""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from tests.structure.source_tree import (
    ROOT,
    constants,
    docstrings,
    graph,
    imported,
    module_name,
    parse,
    sources,
)

_FILE = re.compile(r"(?<![\w/.<>-])((?:\w+/)*\w+\.(?:py|c))\b")
_DOTTED = re.compile(r"\b((?:synth|posttrain)(?:\.[a-z_0-9]+)+)\b")
_INSIDE_A_SANDBOX = {"driver.py", "solution.py"}
"""Names that files have where a program runs; no file of the repository."""


def names_in(text: str) -> list[str]:
    """Names of files and dotted modules in a text, each once."""
    found = [*_FILE.findall(text), *_DOTTED.findall(text)]
    return sorted({name for name in found if name not in _INSIDE_A_SANDBOX})


def files_named(name: str) -> list[Path]:
    """Files of the repository that a name such as `shards.py` or `store/shards.py` can mean."""
    folders = ("synth", "posttrain", "tests", "benchmarks")
    places = [ROOT / name] if (ROOT / name).is_file() else []
    return places + [file for folder in folders for file in (ROOT / folder).glob(f"**/{name}")]


def neighbours(module: str) -> set[str]:
    """What the module imports and what imports it."""
    return graph()[module] | {one for one, targets in graph().items() if module in targets}


def same_package(one: str, other: str) -> bool:
    """A package and a module inside it."""
    return one.startswith(f"{other}.") or other.startswith(f"{one}.")


def is_connected(module: str, file: Path) -> bool:
    """Whether the module has to do with the file: by an import, or because the code of one names the file of
    the other, as a program to run. A file that is no Python lies in the module's folder or below it."""
    own = sources()[module]
    if file.suffix != ".py":
        return file.is_relative_to(own.parent)
    other = module_name(file)
    if other in sources():
        near = {module, *neighbours(module)}
        return other in near or same_package(module, other) or starts(own, file) or is_shipped(own, file)
    return module in set(imported(parse(file), set(sources())))


def starts(one: Path, other: Path) -> bool:
    """Whether the code of one file names the other."""
    return other.name in constants(parse(one)) or one.name in constants(parse(other))


def is_shipped(one: Path, other: Path) -> bool:
    """Whether one lies in a folder that is no package: such files are sent into a sandbox, where they import
    each other by their bare names. What they speak with lies in their folder or in the package around it."""
    return any(
        not (shipped.parent / "__init__.py").exists()
        and talker.parent in (shipped.parent, shipped.parent.parent)
        for shipped, talker in ((one, other), (other, one))
    )


def is_connected_by_name(module: str, dotted: str) -> bool:
    """The same for `synth.values`, and for a name inside a module or a package."""
    near = neighbours(module) | {module}
    return any(one == dotted or same_package(one, dotted) for one in near)


def exists(dotted: str) -> bool:
    return dotted in sources() or dotted.rpartition(".")[0] in sources()


def faults(texts: Mapping[str, str]) -> Iterator[str]:
    """For the docstrings of each module: names that do not exist or have nothing to do with the module."""
    for module, text in texts.items():
        for name in names_in(text):
            if _DOTTED.fullmatch(name) and not name.endswith((".py", ".c")):
                known, near = exists(name), is_connected_by_name(module, name)
            else:
                files = files_named(name)
                known = bool(files)
                near = (ROOT / name in files and not name.endswith(".py")) or any(
                    is_connected(module, file) for file in files
                )
            if not known:
                yield f"{module} names {name}, which does not exist"
            elif not near:
                yield f"{module} names {name}, and neither imports the other"


def test_a_module_that_a_docstring_names_exists_and_is_connected() -> None:
    texts = {name: "\n".join(docstrings(parse(file))) for name, file in sources().items()}
    assert list(faults(texts)) == []


def test_the_rule_sees_names_that_are_stale() -> None:
    text = (
        "`gone.py` asks `query.py`, seeds/cut.py, launcher.c, synth.gone.away, synth.config and synth.errors"
    )
    assert list(faults({"synth.store.units": text})) == [
        "synth.store.units names gone.py, which does not exist",
        "synth.store.units names launcher.c, and neither imports the other",
        "synth.store.units names seeds/cut.py, and neither imports the other",
        "synth.store.units names synth.config, and neither imports the other",
        "synth.store.units names synth.gone.away, which does not exist",
    ]


def test_c_files_name_files_that_exist() -> None:
    comments = {
        file.name: "".join(re.findall(r"/\*.*?\*/", file.read_text(encoding="utf-8"), re.DOTALL))
        for file in ROOT.glob("synth/**/*.c")
    }
    stale = [
        (file, name) for file, text in comments.items() for name in names_in(text) if not files_named(name)
    ]
    assert comments
    assert stale == []


def test_pages_name_files_that_exist() -> None:
    pages = [page for page in (ROOT / "docs").rglob("*.md") if page.name != "status.md"]
    stale = [
        (str(page.relative_to(ROOT)), name)
        for page in pages
        for name in _FILE.findall(page.read_text(encoding="utf-8"))
        if not files_named(name) and name not in _INSIDE_A_SANDBOX
    ]
    assert len(pages) > 80
    assert stale == []


def test_docstrings_of_attributes_are_read_too() -> None:
    tree = parse(sources()["synth.errors"])
    assert any("The page that says more" in text for text in docstrings(tree))
