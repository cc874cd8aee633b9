"""A prompt set: the folder `prompts/<set>/` with one file a prompt, loaded and checked before
anything is spent.

The one rule: a prompt and its caller agree on the variables, exactly, or nothing is rendered. A file
`name.variant.md` is the prompt `name` for one variant (`zh`: instructions in Chinese); where it is
missing, `name.md` serves.
"""

import difflib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from synth.errors import Problem, PromptError
from synth.prompts.template import Prompt, read_prompt
from synth.records import Message
from synth.resources import resource_folder

_SEE = "docs/architecture/prompts.md"


@dataclass(frozen=True, slots=True)
class PromptLibrary:
    """The prompts of one set, by `name` or `name.variant`."""

    set_name: str
    prompts: Mapping[str, Prompt]

    @classmethod
    def load(cls, set_name: str, root: Path | None = None) -> "PromptLibrary":
        """Load `prompts/<set_name>`. Raises PromptError with everything that is wrong in it."""
        root = root or resource_folder("prompts")
        folder = root / set_name
        if not folder.is_dir():
            raise PromptError(_unknown_set(set_name, root))
        read = {path.stem: read_prompt(path) for path in sorted(folder.glob("*.md")) if path.stem != "README"}
        problems = [problem for _, found in read.values() for problem in found]
        if problems:
            raise PromptError(*problems)
        return cls(set_name, {stem: prompt for stem, (prompt, _) in read.items() if prompt is not None})

    def render(self, name: str, /, *, variant: str = "", **variables: str) -> tuple[Message, ...]:
        """The messages of a prompt. Raises PromptError with every missing and every undeclared variable."""
        problems = self._problems(name, variables, variant)
        if problems:
            raise PromptError(*problems)
        prompt = self._find(name, variant)
        assert prompt is not None  # a missing prompt is a problem
        return prompt.render(variables)

    def check(self, uses: Mapping[str, Iterable[str]]) -> list[Problem]:
        """What would fail if these prompts (name -> variables that will be given) were rendered, in any
        variant; empty when all is well."""
        problems = []
        for name, variables in uses.items():
            variants = sorted(stem[len(name) + 1 :] for stem in self.prompts if stem.startswith(f"{name}."))
            for variant in ["", *variants]:
                problems += self._problems(name, variables, variant)
        return problems

    def hashes(self) -> dict[str, str]:
        """Hash of each prompt, for `run.json`."""
        return {stem: prompt.hash for stem, prompt in self.prompts.items()}

    def _find(self, name: str, variant: str) -> Prompt | None:
        return self.prompts.get(f"{name}.{variant}" if variant else name) or self.prompts.get(name)

    def _problems(self, name: str, variables: Iterable[str], variant: str) -> list[Problem]:
        prompt = self._find(name, variant)
        stem = f"{name}.{variant}" if f"{name}.{variant}" in self.prompts else name
        where = f"prompts/{self.set_name}/{stem}.md"
        if prompt is None:
            near = difflib.get_close_matches(name, self.prompts, n=1)
            hint = f"; the nearest is {near[0]}" if near else ""
            return [
                Problem(
                    where,
                    f"must exist, because a stage of the recipe renders it{hint}",
                    f"write {where}",
                    _SEE,
                )
            ]
        given, declared = set(variables), set(prompt.header.variables)
        missing = [
            Problem(
                where,
                f"needs the variable {one}, which its stage does not supply",
                f"remove {one} from the prompt",
                _SEE,
            )
            for one in sorted(declared - given)
        ]
        undeclared = [
            Problem(
                where,
                f"does not declare the variable {one}, which its stage supplies",
                f"declare and use {one}",
                _SEE,
            )
            for one in sorted(given - declared)
        ]
        return missing + undeclared


def _unknown_set(set_name: str, root: Path) -> Problem:
    known = sorted(path.name for path in root.iterdir() if path.is_dir()) if root.is_dir() else []
    near = difflib.get_close_matches(set_name, known, n=1)
    fix = f"prompts: {near[0]}" if near else f"create the folder, or choose one of: {', '.join(known)}"
    return Problem(f"prompts/{set_name}", f"must be a folder of prompt files in {root}", fix, _SEE)
