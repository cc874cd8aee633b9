"""The tree-sitter adapter, and the node types that languages state."""

import subprocess
import sys

import pytest

from synth.grammar.loader import NoGrammar, load_grammar
from synth.grammar.trees import has_grammar, parse, parse_error, walk
from synth.languages.registry import all_languages, get_language


@pytest.mark.parametrize("grammar", sorted({language.grammar for language in all_languages()} - {""}))
def test_the_grammar_that_a_language_names_is_there(grammar: str) -> None:
    assert has_grammar(grammar)


@pytest.mark.parametrize("name", [language.name for language in all_languages() if language.node_types])
def test_the_node_types_that_a_language_names_are_those_of_its_grammar(name: str) -> None:
    language = get_language(name)
    grammar, types = load_grammar(language.grammar), language.node_types
    assert types is not None
    named = types.functions | types.blocks | types.comments | types.expressions | types.wrappers
    known = {grammar.node_kind_for_id(kind) for kind in range(grammar.node_kind_count)}
    assert named | types.binders | types.anonymous <= known
    assert not types.result_field or grammar.field_id_for_name(types.result_field) is not None


def test_an_unknown_language_has_none() -> None:
    assert not has_grammar("klingon")
    with pytest.raises(NoGrammar):
        parse(b"x", "klingon")


def test_walking_follows_the_text_and_stays_out_of_skipped_nodes() -> None:
    root = parse(b"def f():\n    def g():\n        pass\n", "python").root_node
    kinds = [node.type for node in walk(root)]
    assert kinds.count("function_definition") == 2
    assert kinds[0] == "module"
    assert [node.type for node in walk(root, frozenset({"function_definition"}))].count(
        "function_definition"
    ) == 1


def test_the_first_error_is_said_with_its_line() -> None:
    assert parse_error("int a = 1", "c") == (1, "missing ;")
    assert parse_error("int f() {\n  return 1;\n}\nint g( { }\n", "c") == (4, "unexpected text")
    assert parse_error("int a = 1;", "c") is None


def test_importing_the_package_does_not_load_tree_sitter() -> None:
    program = (
        "import sys, synth.seeds.reader, synth.filters.syntax, synth.rules.fim_cut; sys.exit('tree_sitter' "
        "in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
