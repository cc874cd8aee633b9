"""Seals: each file of a run holds the SHA-256 of the rest of itself, so that one wrong bit is seen.

Place in the flow: writers of the run folder seal what they write, and readers check before they believe. In
Parquet the seal is an entry of the footer, in JSON it is the last key of the object, in JSON Lines of each
line. The hash is taken with zeros in its own place. The one rule: a file with a seal is right or it is
refused; a file without one was written by an older version or another tool and is read as it is.
"""

import hashlib
import json
import mmap
import re
import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import IO

from synth.errors import Problem, StoreError
from synth.store.atomic import write_bytes

PARQUET_KEY = "codemill.sha256.of.the.rest"
JSON_KEY = "sha256_of_the_rest"
ZEROS = "0" * 64
RUN_FILE, RUN_COPY = "run.json", "run.json.copy"
"""What says that a folder is a run, and its copy."""
SUMS = "SHA256SUMS"
"""The hashes of an export's files, beside them."""
HASHES = "hashes.json"
"""The hashes of a folder's files that other tools write and read, such as weights: in the folder, sealed."""

_HALVES = {PARQUET_KEY: (b"codemill.sha256", b".of.the.rest"), JSON_KEY: (b'"sha256_of', b'the_rest"')}
"""One wrong bit leaves a half of the key as it was: a seal that cannot be found is told from none."""
_SEALED_END = re.compile(rb',?\s*"' + JSON_KEY.encode() + rb'": ?"([0-9a-f]{64})"\s*}\s*\Z')
_LONGEST_END = 200
_FOOTER_END = 8
_ZEROS = ZEROS.encode()
_FOOTERS_SEARCHED = 1 << 20


class Damage(Exception):
    """What is wrong with a file, as a predicate."""


# --- JSON ---------------------------------------------------------------------------------------------------


def seal_json(text: str) -> bytes:
    """The JSON text of an object, with the seal as its last key."""
    found = re.match(r"\{(\s*)", text)
    if found is None or not text.rstrip().endswith("}"):
        raise ValueError("only a JSON object can be sealed")
    lead, inner = found.group(1), text.rstrip()[:-1].rstrip()
    comma, gap = "" if inner == "{" else ",", " " if lead else ""
    before = f'{inner}{comma}{lead}"{JSON_KEY}":{gap}"'.encode()
    data = before + ZEROS.encode() + ('"\n}' if lead else '"}').encode()
    return _sealed(data, len(before))


def open_json(data: bytes) -> bytes:
    """The JSON without its seal. Raises Damage."""
    found = _SEALED_END.search(data, max(0, len(data) - _LONGEST_END))
    if found is None:
        if any(half in data[-_LONGEST_END:] for half in _HALVES[JSON_KEY]):
            raise Damage("has a seal that cannot be read")
        return data
    _compare(data, found.start(1))
    return data[: found.start()] + b"}"


def is_sealed(data: bytes) -> bool:
    """Whether JSON ends with a seal."""
    return _SEALED_END.search(data, max(0, len(data) - _LONGEST_END)) is not None


def seal_line(text: str) -> bytes:
    """A sealed line of JSON Lines, with its line break. The text is an object, with no white space around."""
    start = f'{text[:-1]}{"" if text == "{}" else ","}"{JSON_KEY}":"'.encode()
    seal = hashlib.sha256(b'%b%b"}' % (start, _ZEROS)).hexdigest()
    return b'%b%b"}\n' % (start, seal.encode())


def open_line(line: bytes) -> bytes | None:
    """The JSON of a line without its seal; None for a line without its end, which was never written whole.
    Raises Damage."""
    if line.endswith(b"\n"):
        return open_json(line[:-1])
    # The line break itself may be what is damaged.
    try:
        return open_json(line[:-1]) if is_sealed(line[:-1]) else None
    except Damage:
        return None


def read_json(path: Path) -> bytes:
    """The JSON in a file, without its seal. Raises OSError, or StoreError for a damaged file: one that was
    cut has lost its seal, and is no JSON."""
    data = path.read_bytes()
    try:
        found = open_json(data)
        if not is_sealed(data):
            json.loads(found)
    except Damage as error:
        raise damaged(path, str(error)) from error
    except ValueError as error:
        raise damaged(path, f"is no whole JSON ({error})") from error
    return found


# --- Parquet ------------------------------------------------------------------------------------------------


def seal_parquet(file: IO[bytes]) -> str:
    """Fill in the seal of a written Parquet file whose footer has PARQUET_KEY with ZEROS. The file is open
    for reading and writing."""
    file.flush()
    view = _mapped(file)
    place = _parquet_place(view)
    if place is None:
        raise ValueError(f"the footer has no {PARQUET_KEY}")
    seal = _digest(view, place)
    file.seek(place)
    file.write(seal.encode())
    return seal


def check_parquet(data: bytes | memoryview) -> str:
    """The seal of a Parquet file; empty where it has none. Raises Damage."""
    view = memoryview(data)
    place = _parquet_place(view)
    if place is None:
        end = bytes(view[-_FOOTERS_SEARCHED:])
        if any(half in end for half in _HALVES[PARQUET_KEY]):
            raise Damage("has a seal that cannot be read")
        return ""
    _compare(view, place)
    return bytes(view[place : place + len(ZEROS)]).decode()


def check_parquet_file(path: Path) -> str:
    """The same of a file on disk, which may be larger than memory. Raises OSError or Damage."""
    with path.open("rb") as file:
        if not path.stat().st_size:
            raise Damage("is empty")
        return check_parquet(_mapped(file))


def _mapped(file: IO[bytes]) -> memoryview:
    return memoryview(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ))


_checked: dict[str, tuple[tuple[int, ...], str]] = {}


def check_files(paths: Sequence[str | Path]) -> None:
    """Check the seals of Parquet files, each once for as long as its size and times stay. Raises StoreError
    for the first that is damaged."""
    for path in paths:
        file = Path(path)
        try:
            status = file.stat()
            stamp = (status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns)
            if _checked.get(str(path), (None,))[0] != stamp:
                _checked[str(path)] = (stamp, check_parquet_file(file))
        except (OSError, Damage) as error:
            raise damaged(
                file, f"cannot be read: {error}" if isinstance(error, OSError) else str(error)
            ) from error


def seal_of(path: Path) -> str:
    """The seal of a Parquet file that was checked. Raises StoreError."""
    check_files([path])
    return _checked[str(path)][1]


def _parquet_place(view: memoryview) -> int | None:
    """Where the footer has the seal; None if it has none."""
    length = int.from_bytes(view[-_FOOTER_END:-4], "little") + _FOOTER_END
    if bytes(view[-4:]) != b"PAR1" or length > len(view):
        raise Damage("is not a whole Parquet file")
    start = len(view) - length
    at = bytes(view[start:]).rfind(PARQUET_KEY.encode())
    # Between key and value, Thrift's compact protocol has the field's header and the length of the text.
    place = start + at + len(PARQUET_KEY) + 2
    return place if at >= 0 and place + len(ZEROS) <= len(view) else None


# --- folders ------------------------------------------------------------------------------------------------


def hash_file(path: Path) -> str:
    """SHA-256 of a file's bytes, streamed."""
    with path.open("rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()


def seal_folder(folder: Path) -> None:
    """Write down the hashes of all files in the folder."""
    files = sorted(path for path in folder.rglob("*") if path.is_file() and path.name != HASHES)
    hashes = {str(path.relative_to(folder)): hash_file(path) for path in files}
    write_bytes(folder / HASHES, seal_json(json.dumps({"files": hashes}, indent=1)))


def sealed_hashes(folder: Path) -> dict[str, str]:
    """The hashes that the folder's files must have, by name; empty where none were written down. Raises
    StoreError."""
    path = folder / HASHES
    try:
        found = json.loads(read_json(path)) if path.is_file() else {"files": {}}
        return dict(found["files"])
    except (OSError, ValueError, KeyError) as error:
        raise damaged(path, f"cannot be read: {error}") from error


def check_hash(path: Path, stated: str | None) -> str:
    """The hash of a file. Raises StoreError if it is missing, or another one is stated."""
    if stated is not None and not path.is_file():
        raise damaged(path, "is missing")
    found = hash_file(path)
    if stated not in (None, found):
        raise damaged(path, f"is not what codemill wrote: its SHA-256 is not the one in {HASHES}")
    return found


def check_sums(path: Path) -> None:
    """Check a file by the `SHA256SUMS` of the export that it is in, if it is in one. Raises Damage."""
    for folder in list(path.parents)[:2]:
        if (folder / SUMS).is_file():
            lines = (folder / SUMS).read_bytes().decode("utf-8", "replace").splitlines()
            sums = {name.lstrip(" *"): stated for stated, _, name in (line.partition(" ") for line in lines)}
            stated = sums.get(str(path.relative_to(folder)))
            if stated not in (None, hash_file(path)):
                raise Damage(f"is not what was exported: {folder / SUMS} states another SHA-256")


def check_folder(folder: Path) -> None:
    """Raises StoreError unless the folder's files are those whose hashes were written down."""
    if not (folder / HASHES).is_file():
        raise damaged(folder / HASHES, "is missing")
    for name, stated in sealed_hashes(folder).items():
        check_hash(folder / name, stated)


# --- hashes -------------------------------------------------------------------------------------------------


def _digest(data: bytes | memoryview, place: int) -> str:
    view = memoryview(data)
    found = hashlib.sha256(view[:place])
    found.update(ZEROS.encode())
    found.update(view[place + len(ZEROS) :])
    return found.hexdigest()


def _sealed(data: bytes, place: int) -> bytes:
    return data[:place] + _digest(data, place).encode() + data[place + len(ZEROS) :]


def _compare(data: bytes | memoryview, place: int) -> None:
    if bytes(data[place : place + len(ZEROS)]) != _digest(data, place).encode():
        raise Damage("is not what codemill wrote: its SHA-256 is another one")


# --- words --------------------------------------------------------------------------------------------------


def run_of(path: Path) -> Path | None:
    """The run folder that a file is in, or the folder whose `checkpoints` it is in."""
    places = path.absolute().parents
    runs = (place for place in places if any((place / name).exists() for name in (RUN_FILE, RUN_COPY)))
    return next(runs, None) or next((place.parent for place in places if place.name == "checkpoints"), None)


def repair_command(path: Path) -> str:
    """What to do about a damaged file."""
    run = run_of(path)
    if run is None:
        return "restore it from a copy, or make it again"
    return f"codemill fsck {shlex.quote(run.name)} --runs-dir {shlex.quote(str(run.parent))} --repair"


def damaged(path: Path, what: str) -> StoreError:
    """The error for a damaged file of a run."""
    return StoreError(Problem(str(path), what, repair_command(path), "docs/architecture/store.md"))
