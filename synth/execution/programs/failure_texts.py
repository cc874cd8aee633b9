"""What a failed program said: its exception, without the stack below it, and whether it ran out of memory.

Place in the flow: `verdict.py` asks it for the words of a reason and for one label. The one rule: the text is
the program's own, so it decides between failures only, never between a failure and a pass.
"""

import re
from typing import Final

from synth.languages.registry import UnknownLanguage, get_language
from synth.languages.spec import FailureWords
from synth.records import Captured, Observation

_SHOWN: Final = 300
_FRAME = re.compile(
    r"\s+at .*"  # Java, JavaScript, C#
    r"|\s+\.\.\. \d+ (?:more|common frames).*"
    r"|\s+from .*:\d+.*"  # Ruby, Crystal
    r"|\s*#\d+\s+.*"  # PHP, Dart, gdb
    r"|\s+thrown in .* on line \d+"
    r"|\s*\d+: (?:\(|0x).*"  # Common Lisp, Rust
    r"|\s+\[\d+\] .*"  # Julia
    r"|\s+(?:while executing|invoked from within|\(file \"|\(procedure \").*"  # Tcl
    r"|\s+\[C\]: .*|\s+\S+:\d+: in .*"  # Lua
    r"|\s+\([^()]*\) \S+:\d+: .*"  # Elixir
    r"|stack traceback:|Stack ?trace:|Node\.js v\d.*|\s*\^+|-{8,}|\?\?:\? .*",
    re.IGNORECASE,
)
"""Lines that say where something happened and not what."""
_GOROUTINES = re.compile(r"^goroutine \d+ \[.*\Z", re.MULTILINE | re.DOTALL)
_HEADING = re.compile(
    r"^(?:Exception in thread|Unhandled|Uncaught|Caused by:|panic:|Traceback)?[^\n:]*?"
    r"\b[A-Za-z_][\w.$]*(?:Error|Exception|Exit|Interrupt|Failure|Defect|Throwable)\b",
    re.MULTILINE,
)
_ERROR_LINE = re.compile(r"^[^\n]*error", re.MULTILINE | re.IGNORECASE)


def exception_text(said: Captured) -> str:
    """What the output says about the end, in at most 300 characters: from the name of the last exception on
    where there is one, else the end. Lines of stacks are left out."""
    head, tail = _without_frames(said.head), _without_frames(said.tail)
    text = f"{head}\n{tail}".strip() or f"{said.head}\n{said.tail}".strip()
    if len(text) <= _SHOWN:
        return text
    *_, last = [None, *_HEADING.finditer(text)]
    return text[-_SHOWN:] if last is None else text[last.start() : last.start() + _SHOWN].strip()


def compiler_text(said: Captured) -> str:
    """What a compiler says first, in at most 300 characters: from the first line with an error on."""
    text = f"{said.head}\n{said.tail}".strip()
    if len(text) <= _SHOWN:
        return text
    first = _ERROR_LINE.search(text)
    return text[-_SHOWN:] if first is None else text[first.start() : first.start() + _SHOWN].strip()


def _without_frames(text: str) -> str:
    lines = _GOROUTINES.sub("", text).split("\n")
    kept = [line for line in lines if not _FRAME.fullmatch(line.rstrip("\r")[:2000])]
    return "\n".join(kept).strip()


def ran_out_of_memory(observation: Observation) -> bool:
    """Whether the language said so: by an exception of a call, by one that ended the process, or by its last
    words."""
    failures = _failures(observation.language)
    cases = [case.error or "" for case in observation.cases if case.status == "raised"]
    if any(error.startswith(failures.out_of_memory) for error in cases):
        return True
    if observation.finished:
        return False
    said = observation.stderr.head, observation.stderr.tail
    return any(words in text for text in said for words in failures.fatal_out_of_memory) or any(
        line.startswith(failures.out_of_memory) for text in said for line in text.splitlines()
    )


def _failures(language: str) -> FailureWords:
    try:
        return get_language(language).failures
    except UnknownLanguage:
        return FailureWords()
