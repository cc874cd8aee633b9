"""What is put before a program of Python stands after its future imports; its lines stay where they were."""

import pytest

from synth.languages.python.future_imports import put_before


@pytest.mark.parametrize(
    ("program", "expected"),
    [
        ("x = 1\n", "import re\nx = 1\n"),
        ("", "import re\n"),
        (
            "from __future__ import annotations\nx = 1\n",
            "from __future__ import annotations; import re\nx = 1\n",
        ),
        (
            "# é\n'''Text.'''\nfrom __future__ import (\n    annotations,\n)  # why\nx = 1",
            "# é\n'''Text.'''\nfrom __future__ import (\n    annotations,\n); import re  # why\nx = 1",
        ),
        (
            "'é'; from __future__ import division; x = 1\n",
            "'é'; from __future__ import division; import re; x = 1\n",
        ),
        ("x = '__future__'\n", "import re\nx = '__future__'\n"),
        ("from __future__ import nothing (\n", "import re\nfrom __future__ import nothing (\n"),
    ],
)
def test_statements_stand_after_the_last_future_import(program: str, expected: str) -> None:
    assert put_before(program, "import re") == expected


def test_two_future_imports_stay_first() -> None:
    program = "from __future__ import division\nfrom __future__ import annotations\nx: Nothing = 1\n"
    made = put_before(program, "import re")
    compile(made, "program", "exec")
    assert made.split("\n")[1] == "from __future__ import annotations; import re"
