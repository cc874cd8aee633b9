"""What a source says of its licence, and what the recipe's policy makes of it."""

import json
from pathlib import Path

import pytest

from synth.config import JsonlSeedsConfig, LicencesConfig, SourceTreeSeedsConfig
from synth.seeds.licences import check_licence, find_licence, from_columns, stated_in
from synth.seeds.reader import read_files

GOOD = "def f(a):\n    b = a + 1\n    return b\n"
TEXTS = {
    "MIT": "Permission is hereby granted, free of charge, to any person",
    "GPL-3.0": "GNU GENERAL PUBLIC LICENSE\n Version 3, 29 June 2007",
    "GPL-2.0": "GNU GENERAL PUBLIC LICENSE\n Version 2, June 1991",
    "AGPL-3.0": "GNU AFFERO GENERAL PUBLIC LICENSE Version 3 … the GNU General Public License version 3",
    "LGPL-3.0": "GNU LESSER GENERAL PUBLIC LICENSE Version 3 … GNU General Public License version 3",
    "MPL-2.0": "Mozilla Public License Version 2.0 … the GNU General Public License Version 2.0",
    "Apache-2.0": "Apache License\nVersion 2.0, January 2004",
    "BSD-3-Clause": "Redistribution and use in source and binary forms … Neither the name of",
    "BSD-2-Clause": "Redistribution and use in source and binary forms, with or without",
}


@pytest.mark.parametrize(("name", "text"), TEXTS.items())
def test_a_licence_is_known_by_its_first_phrase(name: str, text: str, tmp_path: Path) -> None:
    (tmp_path / "COPYING").write_text(text)
    assert find_licence("checkout", tmp_path, "a/b.py") == name


def test_the_nearest_licence_counts_and_a_header_before_it(tmp_path: Path) -> None:
    (tmp_path / "inner" / "deep").mkdir(parents=True)
    (tmp_path / "LICENSE").write_text(TEXTS["MIT"])
    (tmp_path / "inner" / "LICENSE.txt").write_text(TEXTS["GPL-3.0"])
    (tmp_path / "a.py").write_text(GOOD)
    (tmp_path / "inner" / "b.py").write_text(GOOD)
    (tmp_path / "inner" / "deep" / "c.py").write_text(f"# SPDX-License-Identifier: BSD-3-Clause\n{GOOD}")
    policy = LicencesConfig(deny=("GPL-*",))
    config = SourceTreeSeedsConfig(paths=(str(tmp_path),), shuffle=False, licences=policy)
    cuts = list(read_files(config, recipe_folder=tmp_path, random_seed=0, round_=1))
    assert [cut.ref.licence for cut in cuts] == ["MIT", "GPL-3.0", "BSD-3-Clause"]
    assert [cut.file is not None for cut in cuts] == [True, False, True]
    refused = cuts[1].reject
    assert refused is not None
    assert (refused.reason, refused.evidence) == (
        "licence",
        {"licence": "GPL-3.0", "why": "GPL-3.0 is denied"},
    )


def test_a_header_is_read_only_in_the_head_of_a_file() -> None:
    assert stated_in("// SPDX-License-Identifier: MIT OR Apache-2.0\n") == "MIT OR Apache-2.0"
    assert stated_in("/* SPDX-License-Identifier: GPL-2.0 WITH Linux-syscall-note */\n") == (
        "GPL-2.0 WITH Linux-syscall-note"
    )
    assert stated_in("\n" * 60 + "# SPDX-License-Identifier: MIT\n") == ""


@pytest.mark.parametrize(
    ("row", "licence"),
    [
        ({"license": "mit"}, "mit"),
        ({"licenses": ["MIT", "Apache-2.0", "MIT"]}, "MIT AND Apache-2.0"),
        ({"detected_licenses": ["MIT OR GPL-2.0", "ISC"]}, "(MIT OR GPL-2.0) AND ISC"),
        ({"license": "", "max_stars_repo_licenses": ["bsd-3-clause"]}, "bsd-3-clause"),
        ({"licenses": [], "stars": 3}, ""),
    ],
)
def test_columns_state_licences(row: dict[str, object], licence: str) -> None:
    assert from_columns(row) == licence


PERMISSIVE = {"allow": ("MIT", "Apache-2.0", "BSD-*", "ISC"), "unknown": "reject"}
NO_GPL = {"deny": ("GPL-*", "AGPL-*", "LGPL-*")}


@pytest.mark.parametrize(
    ("licence", "policy", "why"),
    [
        ("MIT", PERMISSIVE, ""),
        ("mit license", PERMISSIVE, ""),
        ("Apache License, Version 2.0", PERMISSIVE, ""),
        ("BSD-3-Clause", PERMISSIVE, ""),
        ("GPL-3.0-or-later", PERMISSIVE, "GPL-3.0-or-later is not allowed"),
        ("", PERMISSIVE, "states no licence"),
        ("NOASSERTION", PERMISSIVE, "states no licence"),
        ("MIT AND GPL-2.0", PERMISSIVE, "GPL-2.0 is not allowed"),
        ("MIT OR GPL-2.0", PERMISSIVE, ""),
        ("(MIT OR GPL-2.0) AND GPL-3.0", PERMISSIVE, "GPL-3.0 is not allowed"),
        ("GPL-2.0 OR MIT AND AGPL-3.0", PERMISSIVE, "GPL-2.0 is not allowed"),
        ("", NO_GPL, ""),
        ("GPL-2.0+", NO_GPL, "GPL-2.0+ is denied"),
        ("GPL-2.0 WITH Classpath-exception-2.0", NO_GPL, "GPL-2.0 WITH Classpath-exception-2.0 is denied"),
        ("GNU General Public License v3 (GPLv3)", NO_GPL, "GNU General Public License v3 (GPLv3) is denied"),
        ("MIT", {}, ""),
        ("", {}, ""),
    ],
)
def test_the_policy_decides_with_words(licence: str, policy: dict[str, object], why: str) -> None:
    found = check_licence(licence, LicencesConfig.model_validate(policy))
    assert (found.evidence["why"] if found else "") == why


def test_rows_are_under_the_policy_too(tmp_path: Path) -> None:
    rows = [{"code": GOOD, "language": "python", "licenses": [one]} for one in ("MIT", "GPL-3.0")]
    (tmp_path / "r.jsonl").write_text("\n".join(map(json.dumps, rows)))
    config = JsonlSeedsConfig(
        path="r.jsonl", shuffle=False, licences=LicencesConfig.model_validate(PERMISSIVE)
    )
    cuts = list(read_files(config, recipe_folder=tmp_path, random_seed=0, round_=1))
    assert [cut.reject.reason if cut.reject else "" for cut in cuts] == ["", "licence"]
    assert [unit.origin.licence for unit in cuts[0].units] == ["MIT"]
