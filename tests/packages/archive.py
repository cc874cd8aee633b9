"""A small archive of Debian packages in a folder, which apt takes instead of the machine's own."""

import hashlib
import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest

_APT = """\
Dir::Etc::sourcelist "{home}/sources.list";
Dir::Etc::sourceparts "-";
Dir::State::lists "{home}/lists";
Dir::Cache "{home}/cache";
APT::Sandbox::User "root";
"""


def make_deb(
    folder: Path, name: str, files: Mapping[str, str], needs: str = "", version: str = "1.0-1"
) -> None:
    """A package of these files. Kinds of need as Debian writes them: `Depends: own` or `Recommends: own`."""
    tree = folder / "tree" / name
    for path, text in files.items():
        (tree / path).parent.mkdir(parents=True, exist_ok=True)
        (tree / path).write_text(text)
    (tree / "DEBIAN").mkdir(parents=True)
    stated = f"Package: {name}\nVersion: {version}\nArchitecture: all\nMaintainer: Own <own@example.org>\n"
    text = f"{stated}{needs + chr(10) if needs else ''}Description: own\n"
    (tree / "DEBIAN" / "control").write_text(text)
    file = folder / f"{name}_{version}_all.deb"
    subprocess.run(["dpkg-deb", "--root-owner-group", "--build", tree, file], check=True, capture_output=True)
    data = file.read_bytes()
    where = f"Filename: ./{file.name}\nSize: {len(data)}\nSHA256: {hashlib.sha256(data).hexdigest()}\n"
    with (folder / "Packages").open("a") as index:
        index.write(f"{text}{where}\n")


def use_archive(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let apt know the packages in the folder, and no others."""
    home = folder / "apt"
    for part in ("lists/partial", "cache/archives/partial"):
        (home / part).mkdir(parents=True)
    (home / "sources.list").write_text(f"deb [trusted=yes] file:{folder} ./\n")
    (home / "apt.conf").write_text(_APT.format(home=home))
    monkeypatch.setenv("APT_CONFIG", str(home / "apt.conf"))
    subprocess.run(["apt-get", "update"], check=True, capture_output=True)
