"""Wipes functions from a linked program, so that they can be neither called nor read.

Place in the flow: candidates of one task are compiled together; each then runs a program that contains
only its own functions (`Batch.split_binary`). The one rule: an unexpected file is an error, never a
partly wiped program.
"""

import struct
from collections.abc import Iterable
from typing import Final, NamedTuple

_HEADER: Final = struct.Struct("<16sHHIQQQIHHHHHH")
_SECTION: Final = struct.Struct("<IIQQQQIIQQ")
_ENTRY: Final = struct.Struct("<IBBHQQ")
_64_BIT_LITTLE_ENDIAN: Final = b"\x7fELF\x02\x01"
_X86_64: Final = 62
_SYMBOL_TABLE, _NO_BITS = 2, 8
_OBJECT, _FUNCTION = 1, 2


class Symbol(NamedTuple):
    """A function or an object, and the position of its bytes in the file."""

    name: str
    start: int
    size: int


def symbols(program: bytes) -> list[Symbol]:
    """The functions and objects in the symbol table that have bytes in the file. Raises ValueError unless it
    is a 64-bit program."""
    try:
        return list(_symbols(program))
    except (struct.error, IndexError, OverflowError) as error:
        raise ValueError(f"not a program that can be read: {error}") from error


def _symbols(program: bytes) -> Iterable[Symbol]:
    if not program.startswith(_64_BIT_LITTLE_ENDIAN):
        raise ValueError("not a 64-bit little-endian ELF file")
    header = _HEADER.unpack_from(program)
    place, size, count = header[6], header[11], header[12]
    sections = [_SECTION.unpack_from(program, place + index * size) for index in range(count)]
    tables = [section for section in sections if section[1] == _SYMBOL_TABLE]
    if len(tables) != 1:
        raise ValueError("a program without its one symbol table")
    _, _, _, _, start, length, names, *_ = tables[0]
    text_start = sections[names][4]
    for name, info, _, index, address, extent in _ENTRY.iter_unpack(program[start : start + length]):
        if (
            info & 15 in (_OBJECT, _FUNCTION)
            and extent
            and 0 < index < count
            and sections[index][1] != _NO_BITS
        ):
            at = text_start + name
            place = sections[index][4] + address - sections[index][3]
            if not 0 <= place <= place + extent <= len(program):
                raise ValueError("a symbol that lies outside the program")
            yield Symbol(program[at : program.index(b"\0", at)].decode("ascii", "replace"), place, extent)


def wiped(program: bytes, unwanted: Iterable[Symbol]) -> bytearray:
    """The program with these symbols overwritten by bytes that end it with a signal if they run."""
    trap = b"\xcc" if _HEADER.unpack_from(program)[2] == _X86_64 else b"\0"
    made = bytearray(program)
    for symbol in unwanted:
        made[symbol.start : symbol.start + symbol.size] = trap * symbol.size
    return made
