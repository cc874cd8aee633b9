"""Precompiled headers make whole C++ programs faster and change nothing else."""

from typing import Any

from synth.execution.local.sandbox import LocalSandbox
from synth.records import ExecutionRequest, Observation, Phase, StdioCall
from tests.builders import Run
from tests.languages.toolchains import need


def test_a_precompiled_header_brings_nothing_that_was_not_included(
    local_sandbox: LocalSandbox, run: Run[Any]
) -> None:
    need("cpp")
    body = "int main() { std::map<int, int> m{{1, 2}}; std::cout << m.at(1); }\n"
    heads = {
        "all": "#include <bits/stdc++.h>\n",
        "both": "#include <iostream>\n#include <map>\n",
        "one": "#include <iostream>\n",
        "the driver": "#include <bits/stdc++.h>\n#include <driver.hpp>\n",
    }
    call = StdioCall(stdins=("",))
    requests = [
        ExecutionRequest(id=name, language="cpp", code=head + body, call=call) for name, head in heads.items()
    ]
    seen: list[Observation] = run(local_sandbox.execute(requests))
    assert [one.phase for one in seen] == [Phase.RUN, Phase.RUN, Phase.COMPILE, Phase.COMPILE], seen
    assert [case.output for one in seen[:2] for case in one.cases] == ["2", "2"]
