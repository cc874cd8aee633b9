"""Content hashes and derived random seeds: the same content has the same id in every run and on every
machine."""

import hashlib
import json
import random

_encode = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=True).encode


def canonical_json(value: object) -> str:
    """One text for one value: sorted keys, no white space, Unicode kept (lone surrogates escaped by the
    caller's encoder)."""
    return _encode(value)


def content_hash(*parts: object, length: int = 16) -> str:
    """Hex digest of the parts, `length` characters. 16 characters (64 bits) collide once in about 4 billion
    units."""
    return hashlib.sha256(canonical_json(parts).encode()).hexdigest()[:length]


def unit_id(kind: str, *parts: object) -> str:
    """The id of a unit: its kind, a dash, and the hash of what makes it what it is, for example
    `task-0f3a…`."""
    return f"{kind}-{content_hash(kind, *parts)}"


def derive_seed(seed: int, *scope: str | int) -> int:
    """A 31-bit random seed for one stage or unit, so that the order in which units run changes nothing."""
    return int(content_hash(seed, *scope, length=8), 16) & 0x7FFFFFFF


def derive_random(seed: int, *scope: str | int) -> random.Random:
    """A private random generator for one stage or unit."""
    return random.Random(derive_seed(seed, *scope))
