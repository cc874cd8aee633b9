"""The inspector: what a run made, what it threw away, why, and whether the rule was right; as pages and in
the terminal.

Place in the flow: it reads finished, growing and damaged run folders, answers of `codemill verify` and
exports. The one rule: it never runs code, writes nothing but marks (`marks.py`), and takes no path from a
request.
"""
