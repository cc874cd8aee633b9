"""Secrets: every planted kind is found, clean code is kept, and no secret is in what is told about it."""

import json
import subprocess
import sysconfig
from pathlib import Path
from random import Random

import pytest

from benchmarks.secrets.__main__ import find_planted
from benchmarks.secrets.kinds import KINDS, plant
from benchmarks.secrets.plants import MANNERS, PLACES, planted_file
from synth.filters.protocol import Keep, Reject
from synth.filters.secrets import Secret, check_secrets, find_secrets

ROOT = Path(__file__).resolve().parents[2]


def test_at_least_98_percent_of_the_planted_secrets_are_found() -> None:
    planted, missed = find_planted(values=1, random_seed=7)
    assert planted == len(KINDS) * len(MANNERS) * len(PLACES)
    assert len(KINDS) >= 30
    assert sum(missed.values()) <= 0.02 * planted


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_of_each_kind_most_are_found(kind: str) -> None:
    found = [
        bool(find_secrets(planted_file(kind, language, "constant", Random(f"{kind} {language}"))[0]))
        for language in MANNERS
    ]
    assert sum(found) >= 0.9 * len(found)


@pytest.mark.parametrize("language", sorted(MANNERS))
def test_the_file_around_a_secret_is_harmless(language: str) -> None:
    text, secret = planted_file("GitHub token", language, "constant", Random(3))
    assert find_secrets(text)
    assert find_secrets(text.replace(secret.value, "read from the settings")) == []


def test_evidence_names_kind_and_line_and_never_the_secret() -> None:
    for kind in KINDS:
        text, (_, value) = planted_file(kind, "python", "constant", Random(kind))
        told = check_secrets(text)
        assert isinstance(told, Reject), kind
        assert told.reason == "secret"
        assert set(told.evidence) == {"kind", "line", "found"}
        words = json.dumps(told.evidence)
        assert not any(value[at : at + 10] in words for at in range(len(value) - 9)), kind


def test_the_line_is_that_of_the_secret() -> None:
    value = plant("GitHub token", Random(5)).value
    assert find_secrets(f"\n\ntoken = '{value}'\n") == [Secret("github-pat", 3)]


def test_a_comment_cannot_switch_the_search_off() -> None:
    value = plant("GitHub token", Random(6)).value
    for comment in (
        "kingfisher:ignore",
        "gitleaks:allow",
        "betterleaks:allow",
        "pragma: allowlist secret",
        "nosec",
    ):
        assert find_secrets(f"token = '{value}'  # {comment}\n"), comment


@pytest.mark.parametrize(
    "code",
    [
        "password = getpass.getpass()\n",
        "token = os.environ['GITHUB_TOKEN']\n",
        "api_key = 'your-api-key-here'\n",
        "PASSWORD = 'changeme'\n",
        "url = 'postgresql://user:password@localhost/db'\n",
        "secret = '${VAULT_SECRET_2024}'\n",
        "token = next(tokens)\n",
        "tokenizer_class = 'Qwen2TokenizerFast2'\n",
        "digest = 'd41d8cd98f00b204e9800998ecf8427e'\n",
        "key = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'\n",
        "\ud800 lone = 1\n",
        "",
    ],
)
def test_ordinary_code_is_kept(code: str) -> None:
    assert check_secrets(code) == Keep()


def test_the_standard_library_gives_no_alarm() -> None:
    folder = Path(sysconfig.get_paths()["stdlib"])
    files = [path for path in folder.glob("*.py") if path.is_file()]
    alarms = [path.name for path in files if find_secrets(path.read_text(encoding="utf-8"))]
    assert len(files) > 150
    assert alarms == []


def test_no_file_of_this_repository_looks_like_a_secret() -> None:
    names = subprocess.run(
        ["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, timeout=60, check=True
    ).stdout.split("\0")
    files = [path for name in names if name and (path := ROOT / name).is_file() and not path.is_symlink()]
    found = {
        str(path.relative_to(ROOT)): secrets
        for path in files
        if (secrets := find_secrets(path.read_text(encoding="utf-8", errors="replace")))
    }
    assert found == {}
