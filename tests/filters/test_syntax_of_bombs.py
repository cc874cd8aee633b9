"""What each reader of syntax does with a text that costs its parser too much."""

from pathlib import Path
from random import Random

from synth.config import SourceTreeSeedsConfig
from synth.execution.observations import ObservationContext
from synth.execution.programs.request_rules import compile_failure, reclassify_parse_error
from synth.filters.protocol import Keep, Reject
from synth.filters.syntax import check_syntax
from synth.languages.cpp import can_share
from synth.languages.registry import get_language
from synth.records import ExecutionRequest, Observation, Phase, StdioCall
from synth.rules.fim_cut import make_fim
from synth.rules.reference_rules import stated_contract
from synth.seeds.cut import cut_file
from synth.seeds.protocol import FileRef
from synth.verify.negative_controls import mutants
from tests.builders import build_seed

LUA = "a<" * 40_000
JAVA = "a<" * 30_000
SQL = "WITH t0 AS (SELECT 1 AS x)" + "".join(
    f", t{n} AS (SELECT a.x FROM t{n - 1} a, t{n - 1} b)" for n in range(1, 40)
)
CONTEXT = ObservationContext("A", "lua 5.4")
LUA_REQUEST = ExecutionRequest(id="r", language="lua", code=LUA, call=StdioCall(stdins=("",)))


def test_the_syntax_filter_keeps_it_and_says_that_nothing_was_checked() -> None:
    for code, language in ((LUA, "lua"), (JAVA, "java"), (f"{SQL} SELECT * FROM t39;", "sql")):
        kept = check_syntax(code, language)
        assert isinstance(kept, Keep)
        assert str(kept.evidence["checked"]).startswith("not parsed")


def test_the_word_of_the_compiler_stands() -> None:
    assert compile_failure(get_language("lua"), LUA_REQUEST, "no", CONTEXT).phase is Phase.COMPILE
    broken = LUA_REQUEST.model_copy(update={"code": "a ("})
    assert compile_failure(get_language("lua"), broken, "no", CONTEXT).phase is Phase.PARSE


def test_the_word_of_the_interpreter_stands() -> None:
    seen = Observation(request_id="r", language="lua", phase=Phase.RUN, exit_code=1)
    for request, phase in (
        (LUA_REQUEST, Phase.RUN),
        (LUA_REQUEST.model_copy(update={"code": "a ("}), Phase.PARSE),
    ):
        found = reclassify_parse_error(get_language("lua"), request, seen, is_built=False)
        assert found.phase is phase


def test_fim_leaves_it_out_with_a_reason() -> None:
    made = make_fim(JAVA, "java", Random(1))
    assert isinstance(made, Reject)
    assert (made.reason, str(made.evidence["why"])[:10]) == ("no_fim_span", "not parsed")


def test_a_file_of_a_source_tree_is_rejected_with_a_reason(tmp_path: Path) -> None:
    (tmp_path / "a.java").write_text("\n".join([JAVA[:60]] * 1_000))
    config = SourceTreeSeedsConfig.model_validate({"kind": "source_tree", "paths": [str(tmp_path)]})
    cut = cut_file(FileRef("here", str(tmp_path / "a.java"), "a.java", "java"), config)
    assert cut.reject is not None
    assert (cut.reject.reason, cut.file, cut.units) == ("unreadable", None, ())
    assert "not parsed" in str(cut.reject.evidence["error"])


def test_a_seed_has_no_contract_a_candidate_no_shared_build_and_a_program_no_mutants() -> None:
    assert stated_contract(build_seed(code=JAVA, language="java", contract=None)) is None
    assert not can_share("int f(" + "a<" * 9_000)
    assert mutants(JAVA, "java") == []
    assert mutants("class A { int b = 1 + 2; }", "java") == ["class A { int b = 1 - 2; }"]
