"""Controls: programs that no suite of tests may accept, tried on a suite before its verdicts are trusted.

Place in the flow: `verify.py` asks `SuiteControls` about each row when it is told to. The one rule: a control is accepted when its verdict
is a pass, by the same way that every program takes; a suite that accepts one can be passed without solving the task.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Final

from synth.execution.answers import make_answer
from synth.execution.protocol import Sandbox
from synth.execution.verify_rows import Prepared
from synth.ids import content_hash
from synth.languages.parsing import get_parser
from synth.languages.registry import get_language
from synth.languages.spec import Controls, Language, UnsupportedType, render_signature
from synth.records import Call, FunctionCall, Outcome, StdioCall
from synth.values import Signature, parse_signature

if TYPE_CHECKING:
    from tree_sitter import Node

MUTANTS: Final = "each mutant of its own program"
_KEPT: Final = 10_000
_STDIO: Final = ("a program that prints nothing", "a program that prints PASS")
_SCRIPT: Final = ("an exit with code 0 before the tests", "PASS on stdout before the tests")
_SWAPS: Final = {"+": "-", "-": "+", "*": "+", "/": "*", "%": "*", "<": ">=", "<=": ">", ">": "<=", ">=": "<", "==": "!=", "!=": "=="}
_SWAPS_OF_WORDS: Final = {"===": "!==", "!==": "===", "&&": "||", "||": "&&", "and": "or", "or": "and"}


def control_programs(language: Language, call: Call) -> dict[str, str]:
    """The controls for a suite, by what they are. A language that states none has the empty program, and its identity where that fits."""
    controls, empty = language.controls, {"an empty program": ""}
    if isinstance(call, FunctionCall):
        return empty | _functions(language, call)
    if controls is None:
        return empty
    silent, loud = _STDIO if isinstance(call, StdioCall) else _SCRIPT
    text = controls.program if isinstance(call, StdioCall) else controls.part
    made = {silent: text.replace("STATEMENT", controls.exit), loud: text.replace("STATEMENT", controls.shout)} if text else {}
    return empty | {name: controls.before + code for name, code in made.items()}


def _functions(language: Language, call: FunctionCall) -> dict[str, str]:
    signature = parse_signature(call.signature)
    try:
        declaration = render_signature(language, call.entry_point, ("x",), signature)
    except UnsupportedType:
        return {}
    returned = _bodies(language.controls, signature) if language.controls else _identity(language, signature)
    return {name: f"{before}{declaration}{body}" for name, (before, body) in returned.items()}


def _bodies(controls: Controls, signature: Signature) -> dict[str, tuple[str, str]]:
    """What stands before the declaration and after it, by what the function is."""
    zero = controls.zero.get(signature.result.kind, controls.zero[""])
    made = {
        "a stub": _body(controls, "", zero),
        "an exit with code 0": _body(controls, controls.exit, zero),
        "PASS on stdout": _body(controls, controls.shout, zero),
    }
    if controls.nothing:
        made["a stub that returns nothing"] = _body(controls, "", controls.nothing)
    if _is_identity(signature):
        made["its own argument"] = _body(controls, "", controls.argument)
    if controls.equal[0]:
        before, body = _body(controls, "", controls.equal[1])
        made["an object equal to everything"] = (before + controls.equal[0], body)
    return made


def _body(controls: Controls, statement: str, value: str) -> tuple[str, str]:
    return controls.before, controls.body.replace("STATEMENT", statement or "").replace("VALUE", value)


def _identity(language: Language, signature: Signature) -> dict[str, tuple[str, str]]:
    samples = language.samples
    if samples is None or not samples.identity or not _is_identity(signature):
        return {}
    return {"its own argument": ("", samples.identity_of.get(signature.result.kind, samples.identity))}


def _is_identity(signature: Signature) -> bool:
    """Whether the one argument would do as the result."""
    return signature.parameters == (signature.result,)


def mutants(code: str, grammar: str) -> list[str]:
    """The program with one operator changed: the first, the one in the middle and the last; fewer where there are fewer."""
    text = code.encode("utf-8", "surrogatepass")
    found = list(_operators(get_parser(grammar).parse(text).root_node)) if grammar else []
    chosen = {found[at] for at in (0, len(found) // 2, -1)} if found else set()
    return [
        (text[:start] + (_SWAPS | _SWAPS_OF_WORDS)[word].encode() + text[start + len(word) :]).decode("utf-8", "surrogatepass")
        for start, word in sorted(chosen)
    ]


def _operators(root: "Node") -> Iterator[tuple[int, str]]:
    """Operators between two operands, with their places. Without recursion, since programs nest deeply."""
    waiting = [root]
    while waiting:
        node = waiting.pop()
        children = node.children
        if len(children) == 3 and not children[1].is_named and children[1].type in _SWAPS | _SWAPS_OF_WORDS:
            yield children[1].start_byte, children[1].type
        waiting += reversed(children)


class SuiteControls:
    """Tries the controls on each suite once, however many rows have it."""

    def __init__(self, sandbox: Sandbox) -> None:
        self._sandbox = sandbox
        self._suites: OrderedDict[str, asyncio.Task[tuple[str, ...]]] = OrderedDict()

    async def accepted(self, row: Prepared, verdict: Outcome) -> tuple[str, ...]:
        """The controls that the row's suite accepts. Mutants are made of the first right program of a suite."""
        language = get_language(row.request.language)
        key = content_hash(language.name, row.request.call.model_dump(), [case.model_dump() for case in row.suite.cases])
        found = await self._once(key, row, control_programs(language, row.request.call))
        if verdict is not Outcome.PASS or f"{key} mutants" in self._suites:
            return found
        changed = mutants(row.request.code, language.grammar)
        passed = await self._once(f"{key} mutants", row, {str(at): code for at, code in enumerate(changed)})
        return (*found, MUTANTS) if changed and len(passed) == len(changed) else found

    async def _once(self, key: str, row: Prepared, programs: Mapping[str, str]) -> tuple[str, ...]:
        if key not in self._suites:
            self._suites[key] = asyncio.ensure_future(accepted_of(row, programs, self._sandbox))
            if len(self._suites) > _KEPT and next(iter(self._suites.values())).done():
                self._suites.popitem(last=False)
        return await self._suites[key]


async def accepted_of(row: Prepared, programs: Mapping[str, str], sandbox: Sandbox) -> tuple[str, ...]:
    """Those of the programs that pass the row's tests."""
    requests = [row.request.model_copy(update={"id": name, "code": code}) for name, code in programs.items()]
    observations = await sandbox.execute(requests)
    answers = [make_answer(row, observation) for observation in observations]
    return tuple(name for name, answer in zip(programs, answers, strict=True) if answer.verdict is Outcome.PASS)
