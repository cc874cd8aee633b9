"""All first-order mutants of one function: every single slip that a person could make in it.

Place in the flow: a program, its grammar and the function it is about in, mutants out; the choice of tests is
measured against them. They are edits of the syntax tree in the function and in those of the program that it
reaches by name. The one rule: nothing is left out because it is hard to notice. Only what no result can show
is not edited: types, imports, documentation, assertions, what is printed, the words of an error (also those
that a variable holds or a helper says) and the value beside it, the order of what the language's `max`, `min`
and `gcd` get, and the default values of the function itself, since its calls state every argument.

`edits.py` makes the milder mutants, for programs whose tests are not ours.
"""

import random
import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Final

from synth.grammar.loader import NoGrammar
from synth.grammar.nodes import Node
from synth.grammar.parser_process import UnparsedError
from synth.grammar.trees import node_text, parse, parse_error
from synth.mutation.bodies import result_type
from synth.mutation.edits import Edit, EditKind, Mutant, apply_edit
from synth.mutation.rules import PARTS, RULES, EditRules

_COMPARISONS: Final = {
    "<": ("<=", ">="),
    "<=": ("<", ">"),
    ">": (">=", "<="),
    ">=": (">", "<"),
    "==": ("!=",),
    "!=": ("==",),
    "===": ("!==",),
    "!==": ("===",),
    "in": ("not in",),
    "not in": ("in",),
    "is": ("is not",),
    "is not": ("is",),
}
_ARITHMETIC: Final = {
    "+": "-",
    "-": "+",
    "*": "+",
    "/": "*",
    "//": "*",
    "%": "*",
    "**": "*",
    "&": "|",
    "|": "&",
    "^": "&",
    "<<": ">>",
    ">>": "<<",
    ">>>": "<<",
}
_ASSIGNED: Final = {f"{old}=": f"{new}=" for old, new in _ARITHMETIC.items()} | {"++": "--", "--": "++"}
_LOGIC: Final = {"&&": "||", "||": "&&", "and": "or", "or": "and", "??": "&&"}
_SELF: Final = ("self", "cls", "&self", "&mut self")
CONSTRUCTORS: Final = ("__init__", "constructor")
_NAMES: Final = ("identifier", "field_identifier", "property_identifier", "type_identifier")
_NUMBER: Final = re.compile(r"(0[xX][0-9a-fA-F]+|[0-9]+)((?:[uUlLn]|[iu](?:8|16|32|64|128|size))*)")
_FLOAT: Final = re.compile(r"([0-9]*\.[0-9]+|[0-9]+\.)((?:[fFdDlL]|f32|f64)?)")
_SHOWS: Final = re.compile(
    r"(?:e?print(?:ln|f)?!?|puts|console\.\w+|(?:\w+\.)?(?:log(?:ger|ging)?|LOG(?:GER)?)\.\w+|warnings\.warn"
    r"|(?:dbg|debug|info|warn|trace)!|fmt\.Print\w*|log\.\w+|System\.(?:out|err)\.\w+|std::c(?:out|err).*)"
)
"""Calls whose effect no result shows."""
_COMMUTES: Final = re.compile(r"(?:(?:[Mm]ath|std|cmp)(?:\.|::))*(?:f?max|f?min|gcd|Max|Min)")
"""Functions of a language whose arguments may stand in any order."""


def make_first_order(
    code: str, grammar: str, entry_point: str, most: int, seed: int = 0, prints: bool = False
) -> list[Mutant]:
    """At most so many mutants, drawn by the seed from all of them, each text once, in the order of the text;
    of a program that `prints` its result, what is printed is edited too. Each parses. None where the program
    does not, costs its parser too much, or has no rules."""
    text = code.encode("utf-8", "surrogatepass")
    edits = find_first_order(text, grammar, entry_point, prints)
    random.Random(seed).shuffle(edits)
    made: dict[str, tuple[int, Mutant]] = {}
    for edit in edits:
        if len(made) == most:
            break
        mutant = apply_edit(text, edit)
        if mutant.code not in made and mutant.code != code and _parses(mutant.code, grammar):
            made[mutant.code] = (edit.start, mutant)
    return [mutant for _, mutant in sorted(made.values(), key=lambda pair: pair[0])]


def find_first_order(text: bytes, grammar: str, entry_point: str, prints: bool = False) -> list[Edit]:
    """Every edit of the function and of those that it reaches, in the order of the text."""
    rules = RULES.get(grammar)
    try:
        root = parse(text, grammar).root_node
    except (UnparsedError, NoGrammar):
        return []
    if rules is None or root.has_error:
        return []
    found: dict[Edit, None] = {}
    name = _last_word(entry_point)
    functions = reached_functions(root, rules, text, entry_point)
    own = frozenset(_name_of(function, text) for function in functions if function.type in rules.functions)
    said = _said_in_errors(functions, rules, text)
    for function in functions:
        skipped = _parameters(function, rules) if _name_of(function, text) == name else None
        for node in _edited(function, rules, text, prints):
            if (skipped is not None and _holds(skipped, node)) or any(_holds(one, node) for one in said):
                continue
            found.update(dict.fromkeys(_edits_of(node, rules, text, own)))
        found.update(dict.fromkeys(_last_value(function, rules, text)))
    return sorted(found)


def _said_in_errors(functions: Sequence[Node], rules: EditRules, text: bytes) -> list[Node]:
    """What makes the words of an error and nothing else: what is assigned to a variable that stands in errors
    alone, the default of such a parameter, and what is handed to it."""
    places: dict[str, set[int]] = {}
    found: list[Node] = []
    for function in functions:
        listed, body = _parameters(function, rules), function.child_by_field_name("body")
        if body is None:
            continue
        words = _names_in_errors(body, rules, text)
        named = [one for one in listed.named_children if node_text(one, text) not in _SELF] if listed else []
        for at, parameter in enumerate(named):
            name = next((node for node in _below(parameter) if node.type == "identifier"), None)
            if name is not None and node_text(name, text) in words:
                places.setdefault(_name_of(function, text), set()).add(at)
                found.append(parameter)
        for node in _below(body) if words else ():
            target = _assigned(node)
            if target is not None and node_text(target, text) in words:
                found.append(_statement_of(node))
    for node in (node for function in functions for node in _below(function) if places):
        if node.type in PARTS.arguments and node.parent is not None:
            called = text[node.parent.start_byte : node.start_byte].decode("utf-8", "replace")
            wanted = places.get(_last_word(called.strip()), set())
            found += [argument for at, argument in enumerate(node.named_children) if at in wanted]
    return found


def _names_in_errors(body: Node, rules: EditRules, text: bytes) -> set[str]:
    """The names that stand in what raises an error, and elsewhere only where they are assigned."""
    inside, outside = set[str](), set[str]()
    waiting = [(body, False)]
    while waiting:
        node, raises = waiting.pop()
        raises = raises or _raises(node, rules, text)
        target = _assigned(node)
        if node.type == "identifier":
            (inside if raises else outside).add(node_text(node, text))
        waiting += [(child, raises) for child in node.children if target is None or not _holds(child, target)]
    return inside - outside


def _assigned(node: Node) -> Node | None:
    """The one name that it assigns to."""
    if node.type not in PARTS.assignments:
        return None
    fields = ("left", "name", "pattern", "declarator")
    target = next((found for field in fields if (found := node.child_by_field_name(field))), None)
    while target is not None and target.named_child_count == 1 and "list" in target.type:
        target = target.named_children[0]
    return target if target is not None and target.type == "identifier" else None


def _statement_of(node: Node) -> Node:
    """The statement that is this node alone; the node itself if there is none."""
    above = node.parent
    is_alone = above is not None and above.named_child_count == 1
    return above if above is not None and is_alone and "statement" in above.type else node


def _raises(node: Node, rules: EditRules, text: bytes) -> bool:
    """Whether it ends the function with an error. Its words and what stands beside it are in no result."""
    if node.type in PARTS.raises:
        return True
    if not rules.raising:
        return False
    if node.type in rules.returns and node.named_children:
        last = node.named_children[-1]
        last = last.named_children[-1] if last.type == "expression_list" and last.named_children else last
        if rules.package_errors and re.fullmatch(rules.package_errors, node_text(last, text)):
            return True
        return last.type not in rules.returns and _raises(last, rules, text)
    is_call = any(word in node.type for word in ("call", "macro", "invocation"))
    return is_call and re.match(rf"(?:{rules.raising})\s*[(\s\[{{]", node_text(node, text)) is not None


def reached_functions(root: Node, rules: EditRules, text: bytes, entry_point: str) -> list[Node]:
    """The functions of that name and those whose names they use, and so on; the whole program if there is no
    function of that name."""
    functions, classes = defaultdict[str, list[Node]](list), defaultdict[str, list[Node]](list)
    for node in _below(root):
        if node.type in rules.functions:
            functions[_name_of(node, text)].append(node)
        elif node.type in PARTS.classes:
            classes[_name_of(node, text)].append(node)
    first = _last_word(entry_point)
    reached: dict[str, list[Node]] = {}
    waiting = [first]
    while waiting:
        name = waiting.pop()
        if name in reached:
            continue
        reached[name] = functions.get(name) or (classes[name] if name == first else [])
        waiting += CONSTRUCTORS if name in classes else ()
        for node in reached[name]:
            waiting += [node_text(leaf, text) for leaf in _below(node) if leaf.type in _NAMES]
    return [node for nodes in reached.values() for node in nodes] or [root]


def _last_word(entry_point: str) -> str:
    return re.split(r"\W+", entry_point)[-1]


def _parameters(function: Node, rules: EditRules) -> Node | None:
    """The parameters of a function, which is none if it is a class."""
    if function.type not in rules.functions:
        return None
    return next((node for node in _below(function) if node.type in PARTS.parameters), None)


def _holds(outer: Node, inner: Node) -> bool:
    return outer.start_byte <= inner.start_byte and inner.end_byte <= outer.end_byte


def _below(root: Node) -> Iterator[Node]:
    waiting = [root]
    while waiting:
        node = waiting.pop()
        yield node
        waiting += reversed(node.children)


def _name_of(function: Node, text: bytes) -> str:
    """The name of a function; of one that is a value, of the variable that it is assigned to."""
    node: Node | None = function
    if function.child_by_field_name("name") is None and function.child_by_field_name("declarator") is None:
        node = function.parent
    while node is not None and node.children:
        node = node.child_by_field_name("name") or node.child_by_field_name("declarator")
    return node_text(node, text) if node is not None else ""


def _parses(code: str, grammar: str) -> bool:
    try:
        return parse_error(code, grammar) is None
    except UnparsedError:
        return False


def _edited(function: Node, rules: EditRules, text: bytes, prints: bool) -> Iterator[Node]:
    """The nodes that may be edited."""
    waiting = [function]
    while waiting:
        node = waiting.pop()
        if node.type in rules.excluded or node.type in PARTS.excluded:
            continue
        if _is_documentation(node) or (not prints and _shows(node, text)):
            continue
        yield node
        if not _raises(node, rules, text):
            waiting += reversed(node.children)


def _is_documentation(node: Node) -> bool:
    inner = node.named_children
    return node.type == "expression_statement" and len(inner) == 1 and inner[0].type in PARTS.strings


def _shows(node: Node, text: bytes) -> bool:
    """Whether it is a call that prints."""
    if "call" not in node.type and "invocation" not in node.type:
        return False
    said = node_text(node, text)
    return _SHOWS.match(said) is not None


def _edits_of(node: Node, rules: EditRules, text: bytes, own: frozenset[str]) -> Iterator[Edit]:
    """The edits of one node; `own` are the names of the functions of the program."""
    yield from _operators(node, text)
    yield from _conditions(node, rules, text)
    yield from _constants(node, rules, text)
    yield from _places(node, text)
    yield from _statements(node, rules, text)
    yield from _arguments(node, text, own)
    if node.type in rules.returns:
        yield from _returned(node, rules, text)


def _operators(node: Node, text: bytes) -> Iterator[Edit]:
    children = node.children
    if len(children) == 2 and not children[0].is_named and children[0].type in ("-", "not", "!", "~"):
        yield Edit(children[0].start_byte, children[1].start_byte, "", EditKind.UNARY)
    if node.type in PARTS.no_operators:
        return
    for at, child in enumerate(children):
        if child.is_named:
            continue
        word = child.type
        if word in _COMPARISONS and 0 < at < len(children) - 1:
            for new in _COMPARISONS[word]:
                yield Edit(child.start_byte, child.end_byte, new, EditKind.COMPARISON)
        elif word in _LOGIC and len(children) == 3:
            yield Edit(child.start_byte, child.end_byte, _LOGIC[word], EditKind.OPERATOR)
        elif word in _ARITHMETIC and len(children) == 3 and at == 1:
            yield Edit(child.start_byte, child.end_byte, _ARITHMETIC[word], EditKind.OPERATOR)
        elif word in _ASSIGNED:
            yield Edit(child.start_byte, child.end_byte, _ASSIGNED[word], EditKind.OPERATOR)


def _condition_of(node: Node, rules: EditRules) -> Node | None:
    """What an `if`, a loop, a conditional expression or a filter of a comprehension asks."""
    if node.type == "conditional_expression" and node.child_by_field_name("condition") is None:
        return node.named_children[1] if node.named_child_count == 3 else None
    if node.type == "if_clause":
        return node.named_children[0] if node.named_children else None
    if node.type not in rules.conditionals and node.type not in PARTS.loops:
        return None
    found = node.child_by_field_name("condition")
    if found is not None and found.type == "condition_clause":
        inner = found.child_by_field_name("value")
        return inner if found.named_child_count == 1 and inner and "declaration" not in inner.type else None
    return found if found is None or "let" not in found.type else None


def _conditions(node: Node, rules: EditRules, text: bytes) -> Iterator[Edit]:
    condition = _condition_of(node, rules)
    if condition is not None:
        wrapped = condition.type == "parenthesized_expression"
        asked = condition.named_children[0] if wrapped and condition.named_children else condition
        said = node_text(condition, text)[1:-1] if wrapped else node_text(condition, text)
        frame = "({})" if wrapped else "{}"
        negated = frame.format(rules.negation.replace("CONDITION", said))
        if not _is_negation(asked):  # the sign is left out instead
            yield Edit(condition.start_byte, condition.end_byte, negated, EditKind.CONDITION)
        false = next((word for word in rules.booleans if word.lower() == "false"), "")
        if false and node.type not in PARTS.loops:
            never = frame.format(false)
            yield Edit(condition.start_byte, condition.end_byte, never, EditKind.BRANCH)
    if node.type in rules.conditionals:
        otherwise = next((child for child in node.children if child.type in ("else", "else_clause")), None)
        if otherwise is not None and "?" not in {child.type for child in node.children}:
            last = node.child_by_field_name("alternative") if otherwise.type == "else" else otherwise
            if last is not None:
                yield Edit(otherwise.start_byte, last.end_byte, "", EditKind.BRANCH)


def _is_negation(node: Node) -> bool:
    return len(node.children) == 2 and node.children[0].type in ("not", "!")


def _constants(node: Node, rules: EditRules, text: bytes) -> Iterator[Edit]:
    if node.type in PARTS.strings:
        yield from _texts(node, text)
        return
    said = "" if node.children else node_text(node, text)
    if said in rules.booleans:
        yield Edit(node.start_byte, node.end_byte, rules.booleans[said], EditKind.BOOLEAN)
    elif node.type in rules.integers or node.type in PARTS.floats:
        for new in _neighbours(said):
            is_second = new[0] == "-" and text[: node.start_byte].endswith(b"-")
            yield Edit(node.start_byte, node.end_byte, f"({new})" if is_second else new, EditKind.CONSTANT)
    elif node.type in PARTS.characters:
        letter = node_text(node, text)
        if len(letter) >= 3 and letter[0] == letter[-1] == "'":
            new = chr(ord(letter[1]) + 1) if len(letter) == 3 and letter[1].isalnum() else "X"
            yield Edit(node.start_byte, node.end_byte, f"'{new}'", EditKind.STRING)


def _neighbours(said: str) -> tuple[str, ...]:
    """A number one more and one less, as the literal is written."""
    if whole := _NUMBER.fullmatch(said.replace("_", "")):
        digits, suffix = whole.groups()
        if len(digits) > 1 and digits[0] == "0" and digits[1] not in "xX":
            return ()
        value = int(digits, 16 if digits[:2] in ("0x", "0X") else 10)
        return (f"{value + 1}{suffix}", f"{value - 1}{suffix}")
    if part := _FLOAT.fullmatch(said):
        value_, suffix = float(part[1]), part[2]
        return (f"{round(value_ + 1, 12)!r}{suffix}", f"{round(value_ - 1, 12)!r}{suffix}")
    return ()


def _texts(node: Node, text: bytes) -> Iterator[Edit]:
    """A text without its content, and one with a letter more. One with parts to fill in loses only words."""
    children = node.children
    if len(children) < 2:
        return
    start, end = children[0].end_byte, children[-1].start_byte
    inner = [child for child in children[1:-1] if child.is_named]
    if any(child.type in PARTS.filled for child in inner):
        for child in inner:
            if child.type not in PARTS.filled:
                yield Edit(child.start_byte, child.end_byte, "", EditKind.STRING)
        return
    if end > start:
        yield Edit(start, end, "", EditKind.STRING)
    yield Edit(end, end, "X", EditKind.STRING)


def _places(node: Node, text: bytes) -> Iterator[Edit]:
    """An index, the end of a slice or of a range, one off. Literals are constants already."""
    wanted: list[Node] = []
    if node.type in PARTS.indexes:
        wanted = node.named_children[1:]
    elif node.type in PARTS.slices:
        wanted = [child for child in node.named_children if child != node.child_by_field_name("operand")]
    elif node.type == "call" and text[node.start_byte : node.start_byte + 6] == b"range(":
        listed = node.child_by_field_name("arguments")
        wanted = listed.named_children[:2] if listed is not None else []
    for place in wanted:
        if place.type == "subscript_argument_list":
            place = place.named_children[0] if place.named_child_count == 1 else place
        if place.type in PARTS.not_places or "literal" in place.type:
            continue
        said = node_text(place, text)
        for sign in "+-":
            yield Edit(place.start_byte, place.end_byte, f"({said}) {sign} 1", EditKind.INDEX)


def _statements(node: Node, rules: EditRules, text: bytes) -> Iterator[Edit]:
    """A statement left out."""
    inner = node.named_children
    is_effect = node.type in PARTS.statements or (
        node.type == "expression_statement"
        and len(inner) == 1
        and any(word in inner[0].type for word in PARTS.effects)
    )
    is_last = node.type in PARTS.raises or node.type in rules.returns
    if is_effect or (is_last and _raises(node, rules, text)):
        end = node.end_byte
        empty = "pass" if rules.layout else rules.empty
        yield Edit(node.start_byte, end, empty, EditKind.STATEMENT)


def _arguments(node: Node, text: bytes, own: frozenset[str]) -> Iterator[Edit]:
    if node.type not in PARTS.arguments or node.parent is None:
        return
    called = text[node.parent.start_byte : node.start_byte].decode("utf-8", "replace").strip()
    if _COMMUTES.fullmatch(called) and _last_word(called) not in own:
        return
    plain = [child for child in node.named_children if child.type not in PARTS.not_swapped]
    for left, right in pairwise(plain):
        first, second = node_text(left, text), node_text(right, text)
        if first != second:
            between = text[left.end_byte : right.start_byte].decode("utf-8", "replace")
            yield Edit(left.start_byte, right.end_byte, f"{second}{between}{first}", EditKind.ARGUMENTS)


def _returned(node: Node, rules: EditRules, text: bytes) -> Iterator[Edit]:
    values = node.named_children
    if not node.children or node.children[0].type != "return" or not values:
        return
    yield from _other_result(node, values[0].start_byte, values[-1].end_byte, rules, text)


def _last_value(function: Node, rules: EditRules, text: bytes) -> Iterator[Edit]:
    """The value at the end of a block, where that is what a function returns."""
    body = function.child_by_field_name("body")
    if body is None or not result_type(function, text) or "return_expression" not in rules.returns:
        return
    last = body.named_children[-1] if body.named_children else None
    if last is not None and "statement" not in last.type and last.type not in rules.returns:
        yield from _other_result(last, last.start_byte, last.end_byte, rules, text)


def _other_result(node: Node, start: int, end: int, rules: EditRules, text: bytes) -> Iterator[Edit]:
    """Another value than the one that is returned, of the type that the function declares."""
    said = text[start:end].decode("utf-8", "replace")
    function: Node | None = node
    while function is not None and function.type not in rules.functions:
        function = function.parent
    declared = result_type(function, text) if function is not None else ""
    form = next((form for pattern, form in PARTS.other_results if re.fullmatch(pattern, declared)), "")
    new = form.replace("VALUE", said) or rules.nothing
    if new and said != new:
        yield Edit(start, end, new, EditKind.RETURN)
