"""Puts statements before a program so that its future imports stay where Python allows them.

Place in the flow: formats whose grader gives a program names, and whoever else writes before a program, call
it. The one rule: a program that Python takes alone is taken with what was put before it, and a future import
keeps its line.
"""

import ast

from synth.grammar.python_trees import parse_python


def put_before(program: str, statements: str) -> str:
    """`statements`, on one line without compound ones, stand before the program, after its future imports."""
    last = _last_future_import(program)
    if last is None:
        return f"{statements}\n{program}"
    lines = program.encode("utf-8", "surrogatepass").splitlines(keepends=True)
    at, column = (last.end_lineno or last.lineno) - 1, last.end_col_offset
    lines[at] = b"%b; %b%b" % (lines[at][:column], statements.encode(), lines[at][column:])
    return b"".join(lines).decode("utf-8", "surrogatepass")


def _last_future_import(program: str) -> ast.stmt | None:
    tree = parse_python(program) if "__future__" in program else None
    found = [
        node
        for node in (tree.body if tree else ())
        if isinstance(node, ast.ImportFrom) and node.module == "__future__"
    ]
    return found[-1] if found else None
