"""Syntax trees of many languages: a table of node types (`table`), the tree-sitter adapter (`trees`) and code
tokens (`code_tokens`).

It stands beside `languages` in the layers: seeds, filters and FIM use it, and it knows nothing of toolchains
or execution.
"""
