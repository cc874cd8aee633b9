"""The node types and words of each grammar that edits of programs need.

Place in the flow: `edits` and `bodies` look a grammar up here. The one rule: data alone; a word that a
grammar lacks is empty, and then that kind of edit is not made.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Final

from synth.grammar.node_types import names


@dataclass(frozen=True, slots=True, kw_only=True)
class EditRules:
    """What one grammar calls the parts that edits change."""

    functions: frozenset[str]
    """Named functions, whose body is the field `body` unless it is found by `body`."""
    body: frozenset[str] = frozenset()
    """Types of a function's body where the grammar has no field for it."""
    integers: frozenset[str]
    returns: frozenset[str] = names("return_statement")
    calls: frozenset[str] = frozenset()
    """Statements that may be left out when all they hold is a call."""
    conditionals: frozenset[str]
    """Nodes whose field `condition` is negated. Loops are not among them: a negated one often never ends."""
    negation: str = "!(CONDITION)"
    nothing: str = ""
    """A value that a function can return whatever it declares; empty where types forbid it."""
    empty: str = ";"
    """The statement that does nothing."""
    excluded: frozenset[str] = frozenset()
    """Nodes below which nothing is edited: types, annotations, imports."""
    layout: bool = False
    """Whether blocks are known by their indentation."""
    booleans: Mapping[str, str] = field(default_factory=lambda: {"true": "false", "false": "true"})


_C: Final = EditRules(
    functions=names("function_definition"),
    integers=names("number_literal"),
    calls=names("expression_statement"),
    conditionals=names("if_statement conditional_expression"),
    excluded=names("preproc_include preproc_def template_argument_list array_declarator"),
)
_JAVASCRIPT: Final = EditRules(
    functions=names("function_declaration method_definition arrow_function function_expression"),
    integers=names("number"),
    calls=names("expression_statement"),
    conditionals=names("if_statement ternary_expression"),
    nothing="undefined",
    excluded=names("import_statement type_annotation type_arguments"),
)

RULES: Final[Mapping[str, EditRules]] = {
    "python": EditRules(
        functions=names("function_definition"),
        integers=names("integer"),
        calls=names("expression_statement"),
        conditionals=names("if_statement elif_clause"),
        negation="not (CONDITION)",
        nothing="None",
        empty="pass",
        excluded=names(
            "import_statement import_from_statement future_import_statement type assert_statement"
        ),
        layout=True,
        booleans={"True": "False", "False": "True"},
    ),
    "javascript": _JAVASCRIPT,
    "typescript": replace(_JAVASCRIPT, nothing="undefined as any"),
    "java": EditRules(
        functions=names("method_declaration"),
        integers=names("decimal_integer_literal"),
        calls=names("expression_statement"),
        conditionals=names("if_statement ternary_expression"),
        excluded=names("import_declaration type_arguments"),
    ),
    "c": _C,
    "cpp": _C,
    "go": EditRules(
        functions=names("function_declaration method_declaration"),
        integers=names("int_literal"),
        calls=names("expression_statement"),
        conditionals=names("if_statement"),
        empty="",
        excluded=names("import_declaration type_arguments array_type"),
    ),
    "ruby": EditRules(
        functions=names("method singleton_method"),
        integers=names("integer"),
        returns=names("return"),
        conditionals=names("if unless elsif if_modifier unless_modifier conditional"),
        nothing="nil",
        empty="nil",
    ),
    "php": EditRules(
        functions=names("function_definition method_declaration"),
        integers=names("integer"),
        calls=names("expression_statement"),
        conditionals=names("if_statement conditional_expression"),
        nothing="null",
        excluded=names("namespace_use_declaration"),
    ),
    "rust": EditRules(
        functions=names("function_item"),
        integers=names("integer_literal"),
        returns=names("return_expression"),
        calls=names("expression_statement"),
        conditionals=names("if_expression"),
        nothing="Default::default()",
        excluded=names("use_declaration type_arguments array_type attribute_item"),
    ),
    "csharp": EditRules(
        functions=names("method_declaration local_function_statement"),
        integers=names("integer_literal"),
        calls=names("expression_statement"),
        conditionals=names("if_statement conditional_expression"),
        nothing="default",
        excluded=names("using_directive type_argument_list"),
    ),
    "kotlin": EditRules(
        functions=names("function_declaration"),
        body=names("function_body"),
        integers=names("number_literal"),
        returns=names("return_expression"),
        conditionals=names("if_expression"),
        excluded=names("import_header type_arguments"),
    ),
    "lua": EditRules(
        functions=names("function_declaration function_definition"),
        integers=names("number"),
        conditionals=names("if_statement elseif_statement"),
        negation="not (CONDITION)",
        nothing="nil",
        empty="",
    ),
    "perl": EditRules(
        functions=names("subroutine_declaration_statement"),
        integers=names("number"),
        returns=names("return_expression"),
        conditionals=names("conditional_statement elsif"),
        nothing="undef",
        empty="",
    ),
    "scala": EditRules(
        functions=names("function_definition"),
        integers=names("integer_literal"),
        conditionals=names("if_expression"),
        excluded=names("import_declaration type_arguments"),
    ),
    "swift": EditRules(
        functions=names("function_declaration"),
        integers=names("integer_literal"),
        returns=names("control_transfer_statement"),
        conditionals=names("if_statement guard_statement ternary_expression"),
        excluded=names("import_declaration type_arguments"),
    ),
}
"""By name of the grammar. A grammar that is not here has mutants of operators only."""
