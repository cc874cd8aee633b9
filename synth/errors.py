"""The error tree. Each class names the boundary that was crossed; each problem says where, what is wrong, and
how to fix it."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong, in the words that a person needs to fix it. Read aloud, `where` and `message`
    are one sentence: "policy.model = x" "must be an existing folder"."""

    where: str
    """File and key, or the part of the program, for example `recipes/rust.yaml: execution.memory_mb = 0`."""
    message: str
    """What is wrong with it: what it is, lacks or must be."""
    fix: str
    """One thing to do."""
    see: str = ""
    """The page that says more."""

    def render(self) -> str:
        see = f"        see {self.see}" if self.see else ""
        return f"{self.where}\n  {self.message}\n  fix: {self.fix}{see}"


class CodemillError(Exception):
    """The root. Everything that codemill raises on purpose is one of these."""

    exit_code = 1

    def __init__(self, *problems: Problem) -> None:
        self.problems = problems
        super().__init__("\n".join(problem.render() for problem in problems))


class UserError(CodemillError):
    """Something the user gave is wrong. It ends with exit code 2 and without a traceback."""

    exit_code = 2


class RecipeError(UserError):
    """A recipe that cannot be read, has unknown keys or wrong values, or names what does not exist."""


class PromptError(UserError):
    """A prompt file that is missing, or whose variables differ from what it declares."""


class RunFolderError(UserError):
    """A run folder that is missing, damaged, in use, or made by another recipe."""


class DatasetError(UserError):
    """A data set whose columns or rows are not what the trainer needs."""


class EngineError(CodemillError):
    """An engine that does not answer, or answers with an error. `retryable` says whether asking again can
    help."""

    def __init__(self, *problems: Problem, retryable: bool = True) -> None:
        super().__init__(*problems)
        self.retryable = retryable


class SandboxError(CodemillError):
    """The sandbox itself failed. Never the program's fault, so never a label."""


class TrainerError(CodemillError):
    """A trainer process that ended before it had saved its policy."""


class StoreError(CodemillError):
    """The disk is full, or a shard cannot be read or written."""
