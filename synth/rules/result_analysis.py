"""The result analyzer: what a program got wrong, in words for a model or a person, and what to look at.

Place in the flow: repair turns show it to the model, the inspector to people. The one rule: it sees the open
cases of a suite only. A failure that shows on hidden cases alone is told without the input, the values or the
program's words, so that no answer can be written to fit them.

Everything that a program wrote is hostile: it is quoted in one line, without control characters, markup or
special tokens of chat templates, and cut. The whole has at most MOST_CHARACTERS.
"""

import re
from collections import Counter
from dataclasses import dataclass
from typing import Final

from synth.comparison import shown_value
from synth.execution.programs.failure_texts import compiler_text, exception_text
from synth.plain_text import plain_line
from synth.program_log import LoggedCase, ProgramLog
from synth.records import Outcome, Phase, StdioContract, Stop, TestSuite
from synth.rules.wrong_values import KINDS, common_trait, name_difference
from synth.values import ValueSyntaxError

MOST_CHARACTERS: Final = 1500
_VALUE: Final = 160
_SAID: Final = 240
_MARKS: Final = re.compile(
    r"<\s*[|｜/!?A-Za-z]|[|｜]\s*>|\[\s*/?\s*[A-Z_]{3,}\s*\]|`|~{3,}|^\s*#+\s", re.MULTILINE
)
"""What could be read as markup, as a fence, or as a special token of a chat template."""
_LINE: Final = re.compile(r"(?:\bline |(?:solution|main)\.\w+[:(])(\d{1,6})", re.IGNORECASE)
_ERROR_KIND: Final = re.compile(r"(?:[\w$]+(?:\.|::|\\))*([A-Za-z_][\w$]*)(?=:|$)")
_STOPPED: Final = {
    Stop.CPU: (
        "it used too much CPU time",
        "find the loop that does not end, or a method that needs fewer steps",
    ),
    Stop.WALL: ("it did not come to its end", "find the loop or the wait that does not end"),
    Stop.MEMORY: ("it used too much memory", "do not hold all of it at once, and end loops that collect"),
    Stop.OUTPUT: ("it printed too much", "print nothing but the result, and end loops that print"),
    Stop.VIOLATION: ("it did what the sandbox forbids", "use no files, network, processes or system calls"),
}


@dataclass(frozen=True, slots=True)
class Analysis:
    """What went wrong."""

    outcome: Outcome
    summary: str
    """One sentence."""
    first_failure: str = ""
    """The first open case that fails, with expected and actual value; empty if none does."""
    kinds: tuple[tuple[str, int], ...] = ()
    """Kinds of failures among the open cases, the most frequent first: those of `wrong_values.KINDS`, and
    `error: <its kind>`."""
    trait: str = ""
    """What the inputs of all failing calls, and of no other, have in common."""
    line: int = 0
    """Line of the program, counted from 1; 0 if unknown."""
    said: str = ""
    """The message of the exception or the compiler, neutralized."""
    suggestion: str = ""

    @property
    def text(self) -> str:
        """All of it, for a prompt or a page: at most MOST_CHARACTERS."""
        lines = [self.summary]
        if self.said:
            where = f" (line {self.line})" if self.line else ""
            lines.append(f"The message{where}: {self.said}")
        if self.first_failure:
            lines.append(f"The first failing test: {self.first_failure}")
        if self.kinds:
            counted = "; ".join(f"{_kind_words(name)} ({count})" for name, count in self.kinds[:4])
            lines.append(f"What the failing tests show: {counted}.")
        if self.trait:
            lines.append(f"Only calls with {self.trait} fail.")
        if self.suggestion:
            lines.append(f"Suggestion: {self.suggestion}.")
        return "\n".join(lines)[:MOST_CHARACTERS]


def analyze(suite: TestSuite, log: ProgramLog, outcome: Outcome, code: str = "") -> Analysis | None:
    """The analysis of a program that failed; None of one that passed, and where the sandbox failed, which
    says nothing about the program. `code` bounds the line numbers that are believed."""
    if outcome is Outcome.PASS or outcome.is_fault:
        return None
    if log.phase is not Phase.RUN:
        return _before_run(log, outcome, code)
    total = len(suite.cases) - suite.hidden
    open_ = [case for case in log.cases if case.index < total]
    failing = [case for case in open_ if not case.is_right]
    if not failing:
        words, advice = _STOPPED.get(
            log.stop, ("it fails", "think of inputs at the edge that the task allows")
        )
        return Analysis(
            outcome,
            f"All {total} tests that can be shown pass; {words} on others of the same kind.",
            suggestion=advice,
        )
    if log.stop is not Stop.NONE and any(case.status == "missing" for case in failing):
        return _stopped(suite, log, outcome, open_, failing)
    ended_early = any(case.status == "missing" for case in failing)
    said = _own_words(log) if ended_early else ""
    names = Counter(_name(suite, case) for case in failing)
    kinds = tuple(sorted(names.items(), key=lambda one: (-one[1], one[0])))
    right = [suite.cases[case.index].arguments for case in open_ if case.is_right]
    wrong = [suite.cases[case.index].arguments for case in failing]
    is_text = isinstance(suite.contract, StdioContract)
    trait = "" if is_text else common_trait(wrong, right)
    return Analysis(
        outcome,
        _summary(len(failing), total, log, ended_early),
        _describe(suite, failing[0]),
        kinds,
        trait,
        _line(said, code),
        said,
        _advice(kinds[0][0]),
    )


def _before_run(log: ProgramLog, outcome: Outcome, code: str) -> Analysis:
    said = compiler_text(log.stderr)
    what = "parse" if log.phase is Phase.PARSE else "compile"
    if log.stop is not Stop.NONE:
        return Analysis(
            outcome,
            f"The program was not run: compiling it met the {log.stop.value} limit.",
            suggestion="write a simpler program",
        )
    return Analysis(
        outcome,
        f"The program does not {what}, so no test was run.",
        line=_line(said, code),
        said=neutral(said, _SAID),
        suggestion="mend what the message names, and check names, types and brackets near it",
    )


def _stopped(
    suite: TestSuite, log: ProgramLog, outcome: Outcome, open_: list[LoggedCase], failing: list[LoggedCase]
) -> Analysis:
    words, advice = _STOPPED[log.stop]
    done = sum(case.status != "missing" for case in open_)
    unfinished = next((case for case in failing if case.status == "missing"), None)
    first = "" if unfinished is None else f"{_call(suite, unfinished)} did not return"
    return Analysis(
        outcome,
        f"The program was stopped after {done} of {len(open_)} tests: {words}.",
        first,
        suggestion=advice,
    )


def _summary(failing: int, total: int, log: ProgramLog, ended_early: bool) -> str:
    counted = f"{failing} of {total} tests fail."
    if not ended_early:
        return counted
    how = f"by signal {log.signal}" if log.signal is not None else f"with exit code {log.exit_code}"
    return f"{counted} The program ended early, {how}."


def _own_words(log: ProgramLog) -> str:
    return neutral(exception_text(log.stderr) or exception_text(log.stdout), _SAID)


def _name(suite: TestSuite, case: LoggedCase) -> str:
    wanted = suite.cases[case.index]
    if case.status == "raised":
        return f"error: {error_kind(case.found)}"
    if case.status == "missing":
        return "missing"
    if wanted.raises:
        return "no_error"
    if case.length > len(case.found):
        return "other"
    return name_difference(case.found, wanted.expected, is_text=isinstance(suite.contract, StdioContract))


def error_kind(error: str) -> str:
    """The name of an exception without its package, as its text begins; `error` if it begins with none."""
    found = _ERROR_KIND.match(error.strip()[:200])
    return found[1][:60] if found else "error"


def _kind_words(name: str) -> str:
    if name in KINDS:
        return KINDS[name].words
    return "no result" if name == "missing" else name


def _advice(name: str) -> str:
    if name in KINDS:
        return KINDS[name].advice
    if name == "missing":
        return "the program must not end before it has returned"
    return "find the step that raises this error, and think of the inputs for which it does"


def _describe(suite: TestSuite, case: LoggedCase) -> str:
    wanted = suite.cases[case.index]
    expected = "an error" if wanted.raises else _shown(suite, wanted.expected)
    if case.status == "raised":
        found = f"it raised {neutral(case.found, _VALUE)}"
    elif case.status == "missing":
        found = "it gave nothing"
    else:
        found = f"actual {_shown(suite, case.found)}"
    return f"{_call(suite, case)}: expected {expected}, {found}"


def _call(suite: TestSuite, case: LoggedCase) -> str:
    arguments = suite.cases[case.index].arguments
    if isinstance(suite.contract, StdioContract):
        return f"stdin {_shown(suite, ''.join(arguments))}"
    name = getattr(suite.contract, "entry_point", "") or getattr(suite.contract, "name", "") or "call"
    return f"{name}({', '.join(_shown(suite, one) for one in arguments)})"


def _shown(suite: TestSuite, wire: str) -> str:
    """A value for people, in one line."""
    if isinstance(suite.contract, StdioContract):
        return neutral(repr(wire[:_VALUE]), _VALUE)
    try:
        return neutral(repr(shown_value(wire)), _VALUE)
    except (ValueSyntaxError, RecursionError):
        return "a value that cannot be read"


def _line(said: str, code: str) -> int:
    """The line of the program that a message names, if the program has so many."""
    lines = code.count("\n") + 1 if code else 0
    return next((int(one) for one in _LINE.findall(said) if 0 < int(one) <= lines), 0)


def neutral(text: str, most: int) -> str:
    """Hostile text as one quoted line of at most so many characters: nothing in it controls a terminal, ends
    a block or reads as a special token."""
    cut = text.strip()[: 4 * most]
    shown = plain_line(_MARKS.sub(_broken, cut)).replace("\t", " ")
    return shown if len(shown) <= most else f"{shown[: most - 1]}…"


def _broken(match: re.Match[str]) -> str:
    """The mark with something between its characters, or as another one."""
    mark = match[0]
    if set(mark) <= {"`", "~"}:
        return "'" * min(len(mark), 3)
    return " ".join(mark.replace("#", "·"))
