"""Syntax trees of any language: what loads a grammar (`loader`), the adapter to tree-sitter (`trees`), and
the shape in which a language states its node types (`node_types`).

It stands below `languages` and knows none of them: a grammar is asked for by its name.
"""
