"""One prompt file: its header, its body, and rendering.

The template language has one construct, `{{ name }}`. The one rule: a value is text, put in as it is; nothing
in it is ever read as template.
"""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from synth.errors import Problem
from synth.ids import content_hash
from synth.records import Message

Role = Literal["system", "user", "assistant"]

_PLACEHOLDER = re.compile(r"\{\{\s*([a-z][a-z0-9_]*)\s*\}\}")
_OTHER_SYNTAX = re.compile(r"\{\{|\{%|\{#")
_HEADER = re.compile(r"\A---\n(.*?\n)---\n", re.DOTALL)
_ROLE_LINE = re.compile(r"^<!-- (system|user|assistant) -->\n", re.MULTILINE)
_SEE = "docs/architecture/prompts.md"


class PromptHeader(BaseModel):
    """The YAML front matter."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    version: int = Field(ge=1)
    description: str
    variables: tuple[str, ...]
    layout: tuple[Role, ...] = ("user",)
    """Roles of the messages, in order. With more than one, each part of the body begins with a line
    `<!-- role -->`."""


@dataclass(frozen=True, slots=True)
class Prompt:
    """A prompt that was checked: every declared variable is used, and no other."""

    header: PromptHeader
    parts: tuple[tuple[Role, str], ...]

    def render(self, variables: dict[str, str]) -> tuple[Message, ...]:
        """The messages. `variables` must hold exactly the declared names; the library checks that."""
        return tuple(
            Message(role=role, content=_PLACEHOLDER.sub(lambda found: variables[found[1]], text))
            for role, text in self.parts
        )

    @property
    def hash(self) -> str:
        """Hash of what is rendered: layout, text and variables. A new description does not change it."""
        return content_hash("prompt", self.header.layout, self.header.variables, self.parts)


def read_prompt(path: Path) -> tuple[Prompt | None, list[Problem]]:
    """The prompt in a file, or everything that is wrong with it."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        return None, [Problem(str(path), f"must be a UTF-8 text file: {error}", "save it as UTF-8", _SEE)]
    found = _HEADER.match(text)
    if found is None:
        return None, [
            Problem(
                str(path), "must begin with a YAML header between two `---` lines", "add the header", _SEE
            )
        ]
    header, problems = _read_header(path, found[1])
    if header is None:
        return None, problems
    body = text[found.end() :].strip("\n")
    parts = _split_parts(header.layout, body)
    problems = _check(path, header, body, parts)
    return (None if problems else Prompt(header, parts)), problems


def _read_header(path: Path, text: str) -> tuple[PromptHeader | None, list[Problem]]:
    try:
        return PromptHeader.model_validate(yaml.safe_load(text)), []
    except yaml.YAMLError as error:
        return None, [
            Problem(
                f"{path}: header", f"must be YAML: {' '.join(str(error).split())}", "fix the header", _SEE
            )
        ]
    except ValidationError as error:
        return None, [
            Problem(
                f"{path}: header.{'.'.join(map(str, found['loc']))}",
                f"is invalid: {found['msg']}",
                "fix the header",
                _SEE,
            )
            for found in error.errors()
        ]


def _split_parts(layout: tuple[Role, ...], body: str) -> tuple[tuple[Role, str], ...]:
    if len(layout) == 1:
        return ((layout[0], body),)
    pieces = _ROLE_LINE.split(body)
    roles: list[Role] = pieces[1::2]  # type: ignore[assignment]  # the pattern lets only roles through
    texts = pieces[2::2]
    return (
        tuple((role, text.strip("\n")) for role, text in zip(roles, texts, strict=True))
        if not pieces[0].strip()
        else ()
    )


def _check(path: Path, header: PromptHeader, body: str, parts: tuple[tuple[Role, str], ...]) -> list[Problem]:
    problems = []
    if header.name != path.stem.split(".")[0]:
        problems.append(
            Problem(
                f"{path}: header.name = {header.name}",
                f"must be the name of the file, {path.stem.split('.')[0]}",
                "rename one of the two",
                _SEE,
            )
        )
    if tuple(role for role, _ in parts) != header.layout:
        wanted = ", ".join(f"<!-- {role} -->" for role in header.layout)
        problems.append(
            Problem(
                f"{path}: body",
                f"must have the parts {wanted}, in this order",
                "fix the body or the layout",
                _SEE,
            )
        )
    used = set(_PLACEHOLDER.findall(body))
    undeclared, unused = sorted(used - set(header.variables)), sorted(set(header.variables) - used)
    problems += [
        Problem(f"{path}: {name}", "is used but not declared", f"add {name} to the header's variables", _SEE)
        for name in undeclared
    ]
    problems += [
        Problem(
            f"{path}: {name}",
            "is declared but not used",
            f"use it, or remove {name} from the variables",
            _SEE,
        )
        for name in unused
    ]
    if _OTHER_SYNTAX.search(_PLACEHOLDER.sub("", body)):
        problems.append(
            Problem(
                f"{path}: body",
                "may contain `{{ name }}` but no other template syntax",
                "write a variant of the file instead",
                _SEE,
            )
        )
    return problems
