"""Programs without the words by which they ask a person for input: `input("Number: ")` prints them, and a
task over stdin and stdout has nobody to ask."""

from typing import TYPE_CHECKING

from synth.grammar.trees import node_text, parse

if TYPE_CHECKING:
    from synth.grammar.nodes import Node


def without_python_prompts(code: str) -> str:
    """The program with `input()` in place of `input(...)`, and nothing else changed. Raises UnparsedError."""
    data = code.encode("utf-8", "surrogatepass")
    spans = []
    stack: list[Node] = [parse(data, "python").root_node]
    while stack:
        node = stack.pop()
        stack.extend(node.named_children)
        function, arguments = node.child_by_field_name("function"), node.child_by_field_name("arguments")
        if node.type != "call" or function is None or arguments is None:
            continue
        if function.type == "identifier" and node_text(function, data) == "input":
            spans.append((arguments.start_byte, arguments.end_byte))
    for start, end in sorted(spans, reverse=True):
        data = data[:start] + b"()" + data[end:]
    return data.decode("utf-8", "surrogatepass")
