"""How the data of an export was made, for its card: models, sampling, packages, prompts, what it cost, and
the command that makes it again.

The one rule: a card is for others, so no path of this machine, no header and no password of an address is in
it.
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from itertools import chain
from pathlib import Path, PurePath
from typing import Any, Final
from urllib.parse import urlsplit, urlunsplit

from synth.errors import StoreError
from synth.records import CodingProblem, Seed
from synth.roles import ROLES
from synth.store.figures import read_figures
from synth.store.markdown import markdown_table
from synth.store.run_folder import RunInfo
from synth.store.shards import StageCommit

RECIPE: Final = "recipe.yaml"
"""The file of an export that holds the recipe."""
_HIDDEN: Final = "***"
_SAMPLING: Final = ("temperature", "top_p", "max_tokens")
_TOKENS: Final = ("prompt_tokens", "completion_tokens", "reasoning_tokens")


def making_section(info: RunInfo) -> str:
    """Models by role, their sampling, the packages, and the prompts by hash."""
    policy = part_of(info, "policy")
    rows = [["trained policy", policy.get("model", ""), ""]]
    for role, words in ROLES.items():
        if engine := part_of(info, role):
            rows.append(
                [f"{role}: {words}", engine.get("model") or policy.get("model", ""), engine.get("kind", "")]
            )
    sampling = [
        [name, *(section["sampling"].get(key, "") for key in _SAMPLING), section.get("n", 1)]
        for name, section in _asking(part_of(info, "data"))
    ]
    heads = ["question", "temperature", "top-p", "most tokens", "answers a question"]
    prompts = "".join(f"\n- `{name}` {digest}" for name, digest in sorted(info.prompt_hashes.items()))
    if prompts:
        set_ = info.recipe.get("prompts", "")
        prompts = f"Prompts of the set `{set_}`, by the hash of their text:\n{prompts}"
    packages = ", ".join(f"{name} {version}" for name, version in sorted(info.packages.items()))
    parts = [
        "## Models and prompts",
        markdown_table(["role", "model", "engine"], rows),
        markdown_table(heads, sampling) if sampling else "",
        f"Packages: {packages}." if packages else "",
        prompts,
    ]
    return "\n\n".join(part for part in parts if part)


def cost_section(run: Path) -> str:
    """Time, requests and tokens by role over all processes; dollars where the recipe has prices."""
    try:
        lines = read_figures(run)
    except StoreError:
        return "## Cost\n\nNot known: the run has no figures yet."
    seconds = sum(float(line.get("seconds", 0)) for line in lines)
    sent = sum(int(line.get("requests_sent", 0)) for line in lines)
    again = sum(int(line.get("requests_from_journal", 0)) for line in lines)
    words = f"{seconds:,.0f} s of running, trainings and evaluations included"
    if sent or again:
        words += f"; {sent:,} requests, and {again:,} answered from the run's own journal"
    spent: dict[str, dict[str, float]] = {}
    for line in lines:
        spent |= line.get("tokens", {})
    rows = [
        [role, *(figures.get(name, 0) for name in _TOKENS), figures.get("usd", "no price")]
        for role, figures in sorted(spent.items())
    ]
    heads = ["role", "prompt tokens", "answer tokens", "of these reasoning", "US dollars"]
    return "\n\n".join(["## Cost", f"{words}."] + ([markdown_table(heads, rows)] if rows else []))


def again_section(info: RunInfo, format_: str) -> str:
    """The commands that make this data set again."""
    version = info.packages.get("codemill", "")
    commands = (
        f"pip install 'codemill=={version}'\ncodemill run {RECIPE}\n"
        f"codemill export {info.name} --format {format_} --output DIR"
    )
    words = (
        f"`{RECIPE}` is the whole recipe with its defaults. Local paths are cut to their last part, and "
        "headers are left out: put yours in. From recorded answers the rows are the same bytes; a model that "
        "is asked again may answer otherwise."
    )
    return f"## To make it again\n\n```sh\n{commands}\n```\n\n{words}"


def public_recipe(recipe: Mapping[str, Any]) -> dict[str, object]:
    """A recipe as others may see it."""
    return {key: _public(key, value) for key, value in recipe.items()}


def _public(key: str, value: object) -> object:
    if key == "headers" and isinstance(value, Mapping):
        return dict.fromkeys(value, _HIDDEN)
    if isinstance(value, Mapping):
        return public_recipe(value)
    if isinstance(value, list | tuple):
        return [_public("", one) for one in value]
    return _public_text(value) if isinstance(value, str) else value


def _public_text(text: str) -> str:
    if "://" in text:
        parts = urlsplit(text)
        host = parts.netloc.rpartition("@")[2]
        return urlunsplit(parts._replace(netloc=host, query=""))
    if text.startswith(("/", "~")):
        return PurePath(text).name
    return text


def seed_sources(run: Path) -> Counter[tuple[str, str]]:
    """How many seeds each source gave, with the licence that it states."""
    commits = StageCommit(run)
    seeds: Iterator[Seed | CodingProblem] = chain(
        commits.iter_bodies(Seed), commits.iter_bodies(CodingProblem)
    )
    return Counter((seed.origin.source, seed.origin.licence or "unknown") for seed in seeds)


def sources_table(sources: Counter[tuple[str, str]]) -> str:
    """The section of sources and licences."""
    if not sources:
        return "## Sources\n\nThe run stored no seeds."
    rows = [[source, licence, count] for (source, licence), count in sorted(sources.items())]
    return (
        "## Sources\n\nLicences are those that the sources state; they bind what is made from them.\n\n"
        + markdown_table(["source", "licence", "seeds"], rows)
    )


def part_of(info: RunInfo, name: str) -> dict[str, Any]:
    """A section of the run's recipe; empty if it has none."""
    part = info.recipe.get(name)
    return part if isinstance(part, dict) else {}


def _asking(section: Mapping[str, Any], path: str = "") -> Iterator[tuple[str, Mapping[str, Any]]]:
    """The sections that ask a model, with their dotted path."""
    for name, value in section.items():
        if isinstance(value, Mapping):
            place = f"{path}.{name}" if path else name
            if isinstance(value.get("sampling"), Mapping):
                yield place, value
            yield from _asking(value, place)
