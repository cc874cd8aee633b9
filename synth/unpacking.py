"""Compressed data, unpacked up to a limit: a file of half a megabyte can hold a gigabyte.

Place in the flow: readers of benchmark problems and the result cache ask here. The one rule: no more than the
limit is ever made, whatever the data says about its size.
"""

import gzip
import zlib
from pathlib import Path
from typing import Final

MB: Final = 1 << 20


class TooLargeError(ValueError):
    """What is packed is larger than the limit."""

    def __init__(self, most: int) -> None:
        super().__init__(f"it takes more than {most // MB} MB unpacked")


def inflate(data: bytes, most: int) -> bytes:
    """What `zlib.compress` made. Raises TooLargeError, zlib.error."""
    reader = zlib.decompressobj()
    found = reader.decompress(data, most + 1)
    if len(found) > most:
        raise TooLargeError(most)
    if not reader.eof:
        raise zlib.error("incomplete or truncated stream")
    return found


def read_gzip(path: Path, most: int) -> bytes:
    """The contents of a gzip file. Raises TooLargeError, OSError, zlib.error."""
    with gzip.open(path) as file:
        found = file.read(most + 1)
    if len(found) > most:
        raise TooLargeError(most)
    return found
