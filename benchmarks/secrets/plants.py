"""Source files with one planted secret: a language's usual ways to write a value down, in a file of its own.

The one rule: the file without the secret is harmless, so what is found in it is the secret.
"""

from collections.abc import Mapping
from random import Random
from typing import NamedTuple

from benchmarks.secrets.kinds import Planted, plant


class Manner(NamedTuple):
    """How a language writes a value down: with `{name}` and `{value}`."""

    constant: str
    entry: str
    call: str
    comment: str


_C = ('"{name}": "{value}",', 'connect("{name}", "{value}");', "// {name}={value}")
_SCRIPT = ('"{name}" => "{value}",', 'connect({name}: "{value}")', "# {name}={value}")

MANNERS: Mapping[str, Manner] = {
    "bash": Manner(
        "export {name}='{value}'", '{name}="{value}" \\', "run --{name}='{value}'", "# {name}={value}"
    ),
    "c": Manner('static const char *{name} = "{value}";', '{{"{name}", "{value}"}},', *_C[1:]),
    "cpp": Manner('const std::string {name} = "{value}";', '{{"{name}", "{value}"}},', *_C[1:]),
    "csharp": Manner('private const string {name} = "{value}";', '["{name}"] = "{value}",', *_C[1:]),
    "go": Manner('const {name} = "{value}"', *_C),
    "haskell": Manner(
        '{name} = "{value}"', '("{name}", "{value}"),', 'connect "{name}" "{value}"', "-- {name}={value}"
    ),
    "java": Manner('static final String {name} = "{value}";', 'entries.put("{name}", "{value}");', *_C[1:]),
    "javascript": Manner("const {name} = '{value}';", "{name}: '{value}',", *_C[1:]),
    "julia": Manner(
        'const {name} = "{value}"', '"{name}" => "{value}",', 'connect({name}="{value}")', "# {name}={value}"
    ),
    "kotlin": Manner(
        'const val {name} = "{value}"',
        '"{name}" to "{value}",',
        'connect({name} = "{value}")',
        "// {name}={value}",
    ),
    "lua": Manner(
        'local {name} = "{value}"',
        '["{name}"] = "{value}",',
        'connect{{ {name} = "{value}" }}',
        "-- {name}={value}",
    ),
    "perl": Manner(
        "my ${name} = '{value}';",
        "'{name}' => '{value}',",
        "connect('{name}', '{value}');",
        "# {name}={value}",
    ),
    "php": Manner(
        "$this->{name} = '{value}';",
        "'{name}' => '{value}',",
        "define('{name}', '{value}');",
        "// {name}={value}",
    ),
    "python": Manner(
        '{name} = "{value}"', '"{name}": "{value}",', 'connect({name}="{value}")', "# {name}={value}"
    ),
    "r": Manner(
        '{name} <- "{value}"', '{name} = "{value}",', 'Sys.setenv({name} = "{value}")', "# {name}={value}"
    ),
    "ruby": Manner("{name} = '{value}'", *_SCRIPT),
    "rust": Manner(
        'const {name}: &str = "{value}";',
        '("{name}", "{value}"),',
        'connect("{name}", "{value}");',
        "// {name}={value}",
    ),
    "scala": Manner(
        'val {name} = "{value}"', '"{name}" -> "{value}",', 'connect({name} = "{value}")', "// {name}={value}"
    ),
    "sql": Manner(
        "SET {name} = '{value}';",
        "('{name}', '{value}'),",
        "CALL connect('{name}', '{value}');",
        "-- {name}={value}",
    ),
    "swift": Manner(
        'let {name} = "{value}"', '"{name}": "{value}",', 'connect({name}: "{value}")', "// {name}={value}"
    ),
    "typescript": Manner("const {name}: string = '{value}';", "{name}: '{value}',", *_C[1:]),
}

PLACES = Manner._fields


def planted_file(kind: str, language: str, place: str, random: Random) -> tuple[str, Planted]:
    """The text of a file, and what was planted in it."""
    secret = plant(kind, random)
    manner = MANNERS[language]
    value = secret.value.replace("\n", "\\n") if place != "comment" else secret.value
    sign = manner.comment.split()[0]
    if place == "comment":
        line = manner.comment.format(name=secret.name, value=value.replace("\n", f"\n{sign} "))
    else:
        line = getattr(manner, place).format(name=secret.name, value=value)
    before = [f"{sign} rows of the table, part {number}" for number in range(random.randrange(1, 30))]
    after = [f"{sign} the end of part {number}" for number in range(random.randrange(1, 30))]
    return "\n".join((*before, line, *after, "")), secret
