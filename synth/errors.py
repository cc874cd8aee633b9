"""The error tree. Each class names the boundary that was crossed; each problem says where, what is wrong and
how to fix it."""

from dataclasses import dataclass

from synth.plain_text import plain, plain_line


@dataclass(frozen=True, slots=True)
class Problem:
    """One problem, and how to fix it. `where` and `message` read as one sentence: "policy.model = x: must be
    an existing folder"."""

    where: str
    """File and key, or the part of the program, for example `recipes/rust.yaml: execution.memory_mb = 0`."""
    message: str
    """What is wrong with it, as a predicate: "must be …", "is not …", "has no …", "cannot be read: …"."""
    fix: str
    """One thing to do, as an imperative or a command."""
    see: str = ""
    """The page that says more."""

    def render(self) -> str:
        """The problem as lines for a person. Names and texts from outside cannot control the terminal."""
        see = f"        see {self.see}" if self.see else ""
        return f"{plain_line(self.where)}\n  {plain(self.message)}\n  fix: {plain(self.fix)}{see}"


class CodemillError(Exception):
    """The root of all errors that codemill raises on purpose."""

    exit_code = 1

    def __init__(self, *problems: Problem) -> None:
        self.problems = problems
        super().__init__("\n".join(problem.render() for problem in problems))


class UserError(CodemillError):
    """The user's input is wrong. The command exits with code 2 and without a traceback."""

    exit_code = 2


class RecipeError(UserError):
    """A recipe that cannot be read, has unknown keys or wrong values, or names something that
    does not exist."""


class PromptError(UserError):
    """A prompt file that is missing, or whose variables differ from what it declares."""


class RunFolderError(UserError):
    """A run folder that is missing, damaged, in use, or made by another recipe."""


class DatasetError(UserError):
    """A data set whose columns or rows do not fit the trainer."""


class EngineError(CodemillError):
    """An engine that does not answer, or answers with an error. `retryable`: asking again may help."""

    def __init__(self, *problems: Problem, retryable: bool = True) -> None:
        super().__init__(*problems)
        self.retryable = retryable


class EngineEndedError(EngineError):
    """The process of an engine that we started ended while it was in use. The same command
    starts another, and asks it what was not answered."""

    def __init__(self, *problems: Problem) -> None:
        super().__init__(*problems, retryable=False)


class RequestRefusedError(EngineError):
    """An engine that will not answer this one request, however often it is asked: the unit is rejected with
    `reason`, the code of one of our reasons, and the run goes on."""

    def __init__(self, *problems: Problem, reason: str) -> None:
        super().__init__(*problems, retryable=False)
        self.reason = reason


class BudgetSpentError(CodemillError):
    """The recipe's budget is spent. What was asked is stored; the run ends as `interrupted`."""


class SandboxError(CodemillError):
    """The sandbox itself failed. Never the program's fault, so never a label."""


class TrainerError(CodemillError):
    """A trainer process that ended before it saved its policy."""


class StoreError(CodemillError):
    """The disk is full, or a shard cannot be read or written."""


class OutageError(CodemillError):
    """The engine or the sandbox fails at everything, or units that failed still wait for another start.
    Nothing was decided about them, and the same command goes on."""


class FailedUnitsError(CodemillError):
    """A run whose last failures were accepted: it is finished, but not as one without failures is."""
