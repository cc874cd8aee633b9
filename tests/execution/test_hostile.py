"""Hostile programs in three languages at every level that this machine offers: one property each, looked at
from outside."""

import contextlib
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from synth.execution.isolation.process import Job, JobResult, ProcessSandbox
from synth.execution.isolation.system_calls import BY_ARGUMENT, GRAVE, ZYGOTE_CALLS, number
from synth.records import Limits, Stop
from tests.execution.conftest import PYTHON, SHOWN
from tests.execution.hostile.catalogue import (
    ATTACKS,
    GRAVE_ARGUMENTS,
    LANGUAGES,
    LEFT,
    REFUSED,
    Attack,
    Language,
)
from tests.execution.hostile.decoys import Decoys, decoys
from tests.execution.perf import burned

HERE = Path(__file__).with_name("hostile")
ENVIRONMENT = {"PATH": "/usr/bin:/bin", "LANG": "C.UTF-8"}
CASES = [
    pytest.param(attack, language, id=f"{attack.name}-{language}")
    for attack in ATTACKS
    for language in attack.languages
]
OUTSIDE = [case for case in CASES if case.values[0].works_outside]  # type: ignore[union-attr]


@dataclass(frozen=True, slots=True)
class Weapon:
    """How attacks of one language are started, and what the jobs of that language need."""

    command: tuple[str, ...]
    files: Mapping[str, bytes]
    shown: tuple[str, ...] = ()
    data_limit: bool = True
    more_processes: int = 0

    def job(self, attack: str, mark: str, stdin: bytes, limits: Limits) -> Job:
        own = limits.model_copy(update={"processes": limits.processes + self.more_processes})
        return Job(
            (*self.command, attack, mark),
            self.files,
            stdin,
            own,
            ENVIRONMENT,
            readonly=self.shown,
            data_limit=self.data_limit,
        )


Weapons = Mapping[Language, Weapon]


@pytest.fixture(scope="session")
def weapons(tmp_path_factory: pytest.TempPathFactory) -> Weapons:
    """The attacks of each language whose tools are here."""
    found: dict[Language, Weapon] = {
        "python": Weapon((*PYTHON, "attacks.py"), {"attacks.py": (HERE / "attacks.py").read_bytes()}, SHOWN)
    }
    compiler, node = (
        shutil.which("gcc") or shutil.which("cc"),
        shutil.which("node", path="/usr/local/bin:/usr/bin:/bin"),
    )
    if compiler:
        made = tmp_path_factory.mktemp("hostile") / "attacks"
        subprocess.run([compiler, "-O0", "-pthread", "-o", str(made), str(HERE / "attacks.c")], check=True)
        found["c"] = Weapon(("./attacks",), {"attacks": made.read_bytes()})
    if node:
        script = {"attacks.js": (HERE / "attacks.js").read_bytes()}
        found["javascript"] = Weapon(
            (os.path.realpath(node), "attacks.js"), script, data_limit=False, more_processes=16
        )
    return found


@pytest.fixture(scope="module")
def targets(temporary: Path) -> Iterator[Decoys]:
    with decoys(temporary) as made:
        yield made


@pytest.fixture
def decoy(targets: Decoys, sandbox: ProcessSandbox) -> Iterator[Decoys]:
    """The sweep: whatever the attack was, nothing of it is left and nothing has changed."""
    before, held = targets.state(), processes_by_group()
    yield targets
    after = targets.state()
    assert {name: after[name] for name in after if after[name] != before[name]} == {}
    assert after["left running"] == after["reached"] == []
    for group, count in processes_by_group().items():
        assert count <= max(1, held.get(group, 0)), (
            group
        )  # the slot itself; workers of other tests' sandboxes were there before


def processes_by_group() -> dict[str, int]:
    """How many processes are in each memory group of this process's sandboxes."""
    counts = {}
    for folder, _, _ in os.walk("/sys/fs/cgroup"):  # skips groups of other processes that end meanwhile
        if Path(folder).name.startswith(f"codemill-{os.getpid()}-"):
            with contextlib.suppress(FileNotFoundError):
                counts[folder] = len(Path(folder, "cgroup.procs").read_text().split())
    return counts


@pytest.mark.parametrize(("attack", "language"), CASES)
def test_the_property_holds(
    attack: Attack, language: Language, sandbox: ProcessSandbox, weapons: Weapons, decoy: Decoys
) -> None:
    if language not in weapons:
        pytest.skip(f"nothing here to run {language}")
    job = weapons[language].job(attack.name, decoy.mark, decoy.targets(), Limits(**attack.limits))
    if not attack.evades:
        check(attack, sandbox.run(job), sandbox.listens)
        return
    used: list[float] = []
    while len(used) < (1 if sandbox.level == "A" else 3):  # an estimate looks late on a busy machine
        with burned(sandbox._idle[-1].slot.process.pid) as cpu_s:
            result = sandbox.run(job)
            used.append(cpu_s())
        check(attack, result, sandbox.listens)
        if used[-1] <= most_s(sandbox, job.limits.cpu_s):
            return
    pytest.fail(f"burned {used} s of {job.limits.cpu_s} each time: {result}")


def most_s(sandbox: ProcessSandbox, limit_s: float) -> float:
    """What a program may burn in all. Without an account it is an estimate that ends it, at 1.5 times the
    limit and 0.25 s more."""
    return limit_s + 0.4 if sandbox.level == "A" else 4 * limit_s + 1


def check(attack: Attack, result: JobResult, listens: bool) -> None:
    assert result.infrastructure is None, result.infrastructure
    lines = result.stdout.data.decode("utf-8", "replace").splitlines()
    assert lines[:1] == ["begin"], result
    assert not [line for line in lines if line.startswith("REACHED")], attack.property
    refused = [line for line in lines if line.startswith("refused")]
    if result.stop is not Stop.NONE:
        assert result.stop in attack.ends, (attack.property, result)
    elif LEFT not in attack.ends:
        assert refused and (REFUSED in attack.ends or not listens), (attack.property, result)


@pytest.mark.parametrize(("attack", "language"), OUTSIDE)
def test_the_attack_works_where_nothing_isolates(
    attack: Attack, language: Language, weapons: Weapons, temporary: Path
) -> None:
    if language not in weapons:
        pytest.skip(f"nothing here to run {language}")
    weapon = weapons[language]
    with decoys(temporary) as targets, tempfile.TemporaryDirectory() as folder:
        for name, content in weapon.files.items():
            Path(folder, name).write_bytes(content)
            Path(folder, name).chmod(0o755)
        command = [*weapon.command, attack.name, targets.mark]
        done = subprocess.run(
            command, input=targets.targets(), cwd=folder, capture_output=True, timeout=60, check=False
        )
    assert b"REACHED" in done.stdout, done


@pytest.mark.parametrize(
    "name",
    [
        "write_file_outside",
        "rename_file_outside",
        "kill_process_outside",
        "renice_process_outside",
        "connect_tcp",
    ],
)
def test_the_sweep_sees_what_an_attack_changes(name: str, weapons: Weapons, temporary: Path) -> None:
    with decoys(temporary) as targets, tempfile.TemporaryDirectory() as folder:
        before = targets.state()
        assert targets.state() == before
        Path(folder, "attacks.py").write_bytes(weapons["python"].files["attacks.py"])
        command = [*weapons["python"].command, name, targets.mark]
        subprocess.run(
            command, input=targets.targets(), cwd=folder, capture_output=True, timeout=60, check=False
        )
        assert targets.state() != before


@pytest.mark.parametrize("name", [*GRAVE, *ZYGOTE_CALLS, *BY_ARGUMENT])
@pytest.mark.parametrize("language", ["python", "c"])
def test_a_call_that_no_harmless_program_makes_is_a_violation(
    name: str, language: Language, sandbox: ProcessSandbox, weapons: Weapons, decoy: Decoys
) -> None:
    called = number({**GRAVE, **ZYGOTE_CALLS, **BY_ARGUMENT}[name])
    if called is None or language not in weapons:
        pytest.skip("no such call, or nothing to make it")
    arguments = [called, *GRAVE_ARGUMENTS.get(name, (-1, 0, 0, 0, 0, 0))]
    stdin = decoy.targets(call=" ".join(map(str, arguments)))
    result = sandbox.run(weapons[language].job("forbidden_call", decoy.mark, stdin, Limits()))
    if not sandbox.listens or (
        sandbox.level == "C" and "socket" in name
    ):  # no socket at all can be made there
        assert b"refused an answer: Operation not permitted" in result.stdout.data
        return
    assert (result.stop, result.violation, result.signal) == (Stop.VIOLATION, name, 9)
    assert result.stdout.data == b"begin\n"


def test_at_least_forty_attacks_are_written_in_all_three_languages() -> None:
    assert sum(attack.languages == LANGUAGES for attack in ATTACKS) >= 40
    assert len({attack.name for attack in ATTACKS}) == len(ATTACKS)
