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
    raising: str = ""
    """A pattern of the calls that make or raise an error, where the language has no statement for it."""
    package_errors: str = ""
    """A pattern of the names of errors that a package declares."""
    booleans: Mapping[str, str] = field(default_factory=lambda: {"true": "false", "false": "true"})


@dataclass(frozen=True, slots=True)
class ProgramParts:
    """ProgramParts of programs that a node type names alike in every grammar that has it."""

    strings: frozenset[str] = names(
        "string string_literal interpreted_string_literal raw_string_literal template_string"
    )
    filled: frozenset[str] = names("interpolation template_substitution")
    """ProgramParts of a text that a value fills in."""
    characters: frozenset[str] = names("character_literal char_literal rune_literal")
    floats: frozenset[str] = names("float float_literal decimal_floating_point_literal")
    indexes: frozenset[str] = names(
        "subscript subscript_expression index_expression array_access element_access_expression"
    )
    """A container, and then the place in it."""
    slices: frozenset[str] = names("slice slice_expression range_expression")
    not_places: frozenset[str] = names("string slice range_expression integer number")
    loops: frozenset[str] = names("while_statement while_expression for_statement do_statement for_clause")
    statements: frozenset[str] = names(
        "delete_statement break_statement continue_statement assignment_statement inc_statement dec_statement"
    )
    effects: tuple[str, ...] = (
        "call",
        "invocation",
        "assign",
        "update",
        "macro",
        "delete",
        "break",
        "continue",
    )
    """Words in the type of what a statement may do."""
    raises: frozenset[str] = names("raise_statement throw_statement throw_expression")
    assignments: frozenset[str] = names(
        "assignment assignment_expression augmented_assignment variable_declarator short_var_declaration "
        "let_declaration init_declarator"
    )
    arguments: frozenset[str] = names("argument_list arguments")
    not_swapped: frozenset[str] = names(
        "keyword_argument dictionary_splat list_splat comment line_comment block_comment spread_element"
    )
    no_operators: frozenset[str] = names(
        "for_in_clause for_in_statement for_range_loop keyword_separator list_splat_pattern type_parameters "
        "reference_type reference_expression pointer_declarator abstract_pointer_declarator "
        "closure_parameters "
        "import_statement typed_parameter match_pattern"
    )
    """Nodes whose signs are no operators."""
    classes: frozenset[str] = names("class_definition class_declaration")
    parameters: frozenset[str] = names("parameters formal_parameters parameter_list")
    excluded: frozenset[str] = names(
        "type type_annotation type_arguments type_parameters template_argument_list type_descriptor "
        "type_alias_declaration interface_declaration annotation marker_annotation attribute_item decorator "
        "static_assert_declaration assert_statement macro_definition comment line_comment block_comment "
        "import_statement import_from_statement"
    )
    other_results: tuple[tuple[str, str], ...] = (
        (r"(?:const )?(?:bool|boolean|Boolean)", "!(VALUE)"),
        (
            r"(?:const |unsigned |signed )*(?:int|long|long long|short|size_t|u?int\d+(?:_t)?|[iu]\d+"
            r"|[iu]size|Integer|Long|number|float|float32|float64|f32|f64|double|Double)",
            "(VALUE) + 1",
        ),
        (r"String|string|std::string", '""'),
        (r"int\[\]|List<.*>|String\[\]", "null"),
        (r"\[\].*|map\[.*", "nil"),
        (r"(?:std::)?vector<.*>|(?:std::)?(?:unordered_)?map<.*>", "{}"),
        (r"Vec<.*>|HashMap<.*>|Option<.*>", "Default::default()"),
    )
    """(declared type, another value of it) for languages with types; VALUE is what was returned."""


PARTS: Final = ProgramParts()

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
        raising=r"panic|errors\.New|fmt\.Errorf",
        package_errors=r"(?:\w+\.)?[eE]rr[A-Z]\w*",
    ),
    "ruby": EditRules(
        functions=names("method singleton_method"),
        integers=names("integer"),
        returns=names("return"),
        conditionals=names("if unless elsif if_modifier unless_modifier conditional"),
        nothing="nil",
        empty="nil",
        raising="raise|fail",
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
        raising="(?:panic|unreachable|todo|unimplemented)!|Err",
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
        raising="error",
    ),
    "lua": EditRules(
        functions=names("function_declaration function_definition"),
        integers=names("number"),
        conditionals=names("if_statement elseif_statement"),
        negation="not (CONDITION)",
        nothing="nil",
        empty="",
        raising="error",
    ),
    "perl": EditRules(
        functions=names("subroutine_declaration_statement"),
        integers=names("number"),
        returns=names("return_expression"),
        conditionals=names("conditional_statement elsif"),
        nothing="undef",
        empty="",
        raising="die|croak|confess",
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
        raising="fatalError|preconditionFailure",
    ),
}
"""By name of the grammar. A grammar that is not here has mutants of operators only."""
