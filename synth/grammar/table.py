"""What we need to know of each grammar, as data: file extensions and the node types of functions, blocks,
comments and expressions.

The one rule: adding a language to the source-tree reader, the syntax filter and FIM is one row here and one
sample in the test.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Grammar:
    """One language. Node types are those of its tree-sitter grammar."""

    language: str
    """Our name of the language, as in recipes and records."""
    extensions: tuple[str, ...]
    functions: frozenset[str]
    """Nodes that define a named function; an anonymous function counts when it is bound to a name
    (`binders`)."""
    blocks: frozenset[str]
    """Nodes whose named children are statements."""
    comments: frozenset[str]
    identifiers: frozenset[str]
    wrappers: frozenset[str] = frozenset()
    """Nodes that stand around a function and belong to it: decorators, templates, `export`."""
    binders: frozenset[str] = frozenset()
    """Nodes that give a name to the anonymous function in their field `value`."""
    anonymous: frozenset[str] = frozenset()
    grammar: str = ""
    """Name of the grammar where it differs from the language."""

    @property
    def grammar_name(self) -> str:
        return self.grammar or self.language


def _set(text: str) -> frozenset[str]:
    return frozenset(text.split())


_JS_FUNCTIONS = _set("function_declaration generator_function_declaration method_definition")
_JS_ANONYMOUS = _set("arrow_function function_expression")
_NAMES = _set(
    "identifier type_identifier field_identifier property_identifier shorthand_property_identifier "
    "namespace_identifier"
)

_ROWS = (
    Grammar(
        "python",
        (".py",),
        _set("function_definition"),
        _set("block module"),
        _set("comment"),
        _NAMES,
        _set("decorated_definition"),
    ),
    Grammar(
        "javascript",
        (".js", ".mjs", ".cjs", ".jsx"),
        _JS_FUNCTIONS,
        _set("statement_block program"),
        _set("comment html_comment"),
        _NAMES
        | _set("private_property_identifier statement_identifier shorthand_property_identifier_pattern"),
        _set("export_statement"),
        _set("variable_declarator"),
        _JS_ANONYMOUS,
    ),
    Grammar(
        "typescript",
        (".ts", ".mts", ".cts"),
        _JS_FUNCTIONS,
        _set("statement_block program"),
        _set("comment html_comment"),
        _NAMES
        | _set("private_property_identifier statement_identifier shorthand_property_identifier_pattern"),
        _set("export_statement"),
        _set("variable_declarator"),
        _JS_ANONYMOUS,
    ),
    Grammar(
        "java",
        (".java",),
        _set("method_declaration"),
        _set("block constructor_body switch_block_statement_group"),
        _set("line_comment block_comment"),
        _NAMES,
    ),
    Grammar(
        "c", (".c", ".h"), _set("function_definition"), _set("compound_statement"), _set("comment"), _NAMES
    ),
    Grammar(
        "cpp",
        (".cpp", ".cc", ".cxx", ".hpp", ".hh", ".hxx"),
        _set("function_definition"),
        _set("compound_statement"),
        _set("comment"),
        _NAMES,
        _set("template_declaration"),
    ),
    Grammar(
        "go",
        (".go",),
        _set("function_declaration method_declaration"),
        _set("statement_list"),
        _set("comment"),
        _NAMES | _set("package_identifier label_name"),
    ),
    Grammar(
        "rust", (".rs",), _set("function_item"), _set("block"), _set("line_comment block_comment"), _NAMES
    ),
)

GRAMMARS: dict[str, Grammar] = {row.language: row for row in _ROWS}
"""By language."""

EXTENSIONS: dict[str, str] = {extension: row.language for row in _ROWS for extension in row.extensions}
"""From file extension to language."""

EXPRESSIONS = _set(
    "call subscript attribute list dictionary set tuple lambda list_comprehension set_comprehension "
    "dictionary_comprehension generator_expression binary_operator unary_operator boolean_operator "
    "comparison_operator not_operator conditional_expression parenthesized_expression method_invocation "
    "array_access field_access array object template_string composite_literal macro_invocation"
)
"""Node types that are expressions although their names do not end in `_expression`."""

_SYNONYMS = {
    "c++": "cpp",
    "golang": "go",
    "js": "javascript",
    "ts": "typescript",
    "py": "python",
    "c#": "csharp",
}


def normalize_language(name: str) -> str:
    """Our name of a language as data sets write it: `Python` is `python`, `C++` is `cpp`."""
    name = name.strip().lower()
    return _SYNONYMS.get(name, name)


def is_expression(node_type: str) -> bool:
    """Whether a node of that type is an expression in any of our grammars."""
    return node_type in EXPRESSIONS or node_type.endswith("_expression")
