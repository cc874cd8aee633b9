"""The tree-sitter adapter and the table of node types."""

import subprocess
import sys

import pytest

from synth.grammar.loader import NoGrammar
from synth.grammar.table import EXTENSIONS, GRAMMARS, normalize_language
from synth.grammar.trees import first_error, has_grammar, parse, walk


@pytest.mark.parametrize("language", sorted(GRAMMARS))
def test_every_language_of_the_table_has_a_grammar(language: str) -> None:
    assert has_grammar(language)


def test_an_unknown_language_has_none() -> None:
    assert not has_grammar("klingon")
    with pytest.raises(NoGrammar):
        parse(b"x", "klingon")


def test_the_first_error_is_found_where_it_is() -> None:
    error = first_error(parse(b"int f() {\n  return 1;\n}\nint g( { }\n", "c").root_node)
    assert error is not None
    assert error.start_point.row == 3


def test_a_missing_node_is_an_error() -> None:
    error = first_error(parse(b"int a = 1", "c").root_node)
    assert error is not None
    assert error.is_missing


def test_walking_follows_the_text_and_stays_out_of_skipped_nodes() -> None:
    root = parse(b"def f():\n    def g():\n        pass\n", "python").root_node
    kinds = [node.type for node in walk(root)]
    assert kinds.count("function_definition") == 2
    assert kinds[0] == "module"
    assert [node.type for node in walk(root, frozenset({"function_definition"}))].count(
        "function_definition"
    ) == 1


def test_names_of_languages_are_read_as_data_sets_write_them() -> None:
    assert [normalize_language(name) for name in ("Python", "C++", " JavaScript ", "ts")] == [
        "python",
        "cpp",
        "javascript",
        "typescript",
    ]


def test_no_two_languages_claim_one_extension() -> None:
    assert len(EXTENSIONS) == sum(len(grammar.extensions) for grammar in GRAMMARS.values())


def test_importing_the_package_does_not_load_tree_sitter() -> None:
    program = (
        "import sys, synth.seeds.reader, synth.filters.syntax, synth.rules.fim_cut; sys.exit('tree_sitter' "
        "in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
