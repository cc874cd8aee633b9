"""Options that `codemill exec` and `codemill verify` share, and the sandbox and limits made from them. The
one rule: invalid values are reported at once."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NamedTuple, get_args

import typer

from synth.errors import Problem, UserError

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails

    from synth.execution.protocol import Sandbox
    from synth.packages_config import PackagesConfig
    from synth.records import IsolationLevel, Limits

CpuSeconds = Annotated[
    float,
    typer.Option(
        "--cpu-s", help="CPU seconds per program. A program that needs more gets the verdict timeout."
    ),
]
WallSeconds = Annotated[
    float | None,
    typer.Option("--wall-s", help="Wall seconds per program, as a backstop. Default: ten times --cpu-s."),
]
MemoryMb = Annotated[int, typer.Option("--memory-mb", help="Memory per program in MiB.")]
OutputBytes = Annotated[
    int, typer.Option("--output-bytes", help="Maximum bytes per program on stdout and stderr together.")
]
StackMb = Annotated[
    int, typer.Option("--stack-mb", help="Stack of the main thread in MiB, within the memory limit.")
]
MinimumLevel = Annotated[
    str, typer.Option("--minimum-level", help="Lowest acceptable isolation level: A, B or C.")
]

SandboxKind = Annotated[
    str,
    typer.Option("--sandbox", help="Where programs run: local, or e2b (with the key in E2B_API_KEY)."),
]

Proof = Annotated[
    bool,
    typer.Option(
        help="Try programs that solve nothing on each script suite; if one passes, the verdict is vacuous."
    ),
]

Cache = Annotated[
    Path | None,
    typer.Option(
        "--cache",
        metavar="FOLDER",
        help="Cache results in this folder, and run only programs without a cached result.",
    ),
]


Packages = Annotated[
    list[str] | None,
    typer.Option(
        "--packages",
        metavar="SET",
        help="Packages for programs: a ready-made set (`codemill packages list`), a mapping such as "
        "'{python: [numpy]}', or a YAML file with one. May be repeated. Else the set of --format or the "
        "default set, if built.",
    ),
]


class ChosenSandbox(NamedTuple):
    """A sandbox that is not started yet, and how many programs to give it per call."""

    sandbox: "Sandbox"
    batch: int


def choose_sandbox(
    kind: str,
    workers: int,
    minimum_level: str,
    cache: Path | None = None,
    packages: list[str] | None = None,
    serves: bool = False,
    usual: str = "",
) -> ChosenSandbox:
    """The sandbox that the options name. One that `serves` remembers no answers, and lets nobody wait for
    programs that run long. `usual` is the ready-made set of packages that is used without an option.
    Raises UserError."""
    from synth.config import E2bSandboxConfig, LocalSandboxConfig
    from synth.execution.factory import create_sandbox
    from synth.packages_config import DEFAULT
    from synth.verify.verify import REMEMBERED

    level, folder = check_level(minimum_level), None if cache is None else str(cache)
    asked = read_packages(packages)
    if kind == "local":
        local = LocalSandboxConfig(workers=workers, minimum_level=level, cache=folder, packages=asked)
        kept = 0 if serves else REMEMBERED
        made = create_sandbox(local, remembered=kept, lends=serves, usual=usual or DEFAULT)
        return ChosenSandbox(made, 1)
    if kind == "e2b":
        if asked.names():
            raise UserError(
                Problem(
                    "--packages with --sandbox e2b",
                    "cannot work: packages are built on this machine, and e2b has what its template has",
                    "put the packages into the template",
                    "docs/architecture/packages.md",
                )
            )
        return ChosenSandbox(create_sandbox(E2bSandboxConfig(concurrency=workers or 8, cache=folder)), 256)
    raise UserError(
        Problem(f"--sandbox {kind}", "must be local or e2b", "--sandbox local", "docs/architecture/verify.md")
    )


def read_packages(given: list[str] | None) -> "PackagesConfig":
    """The packages that the options name together. Raises UserError."""
    from synth.packages_config import PackagesConfig

    if not given:
        return PackagesConfig()
    merged: dict[str, list[str]] = {}
    for text in given:
        for key, names in _packages_of(text).items():
            merged.setdefault(key, []).extend(names)
    return _checked_packages(merged)


def _packages_of(text: str) -> dict[str, list[str]]:
    """One option's names by language; a bare word is a set."""
    import yaml

    from synth.packages_config import ready_sets

    if text in ready_sets():
        return {"sets": [text]}
    try:
        inside = text if text.lstrip().startswith("{") else Path(text).read_text(encoding="utf-8")
        found = yaml.safe_load(inside)
        if isinstance(found, dict) and set(found) == {"packages"}:
            found = found["packages"]
        if isinstance(found, dict) and all(isinstance(names, list) for names in found.values()):
            return {str(key): [str(name) for name in names] for key, names in found.items()}
        said = "is not a mapping of languages to lists of names"
    except (OSError, UnicodeDecodeError):
        said = f"is neither a set ({', '.join(ready_sets())}) nor a mapping nor a file that can be read"
    except yaml.YAMLError as error:
        said = f"is not YAML: {' '.join(str(error).split())}"
    raise UserError(
        Problem(f"--packages {text}", said, "--packages '{python: [numpy]}'", "docs/architecture/packages.md")
    )


def _checked_packages(found: dict[str, list[str]]) -> "PackagesConfig":
    from pydantic import ValidationError

    from synth.packages_config import LANGUAGES, PackagesConfig

    try:
        return PackagesConfig.model_validate(found)
    except ValidationError as error:
        raise UserError(
            *(
                Problem(
                    f"--packages {'.'.join(map(str, one['loc']))}{_given(one)}".strip(),
                    f"packages can be built for {', '.join(LANGUAGES)}"
                    if one["type"] == "extra_forbidden"
                    else one["msg"].removeprefix("Value error, "),
                    "--packages '{python: [numpy]}'",
                    "docs/architecture/packages.md",
                )
                for one in error.errors()
            )
        ) from None


def _given(error: "ErrorDetails") -> str:
    return f" = {error['input']}" if isinstance(error["input"], str) else ""


def read_limits(
    cpu_s: float, wall_s: float | None, memory_mb: int, output_bytes: int, stack_mb: int
) -> "Limits":
    """The limits that the options state. Raises UserError with every invalid value."""
    from pydantic import ValidationError

    from synth.records import Limits

    given = {"cpu_s": cpu_s, "wall_s": wall_s, "memory_mb": memory_mb, "output_bytes": output_bytes}
    given["stack_mb"] = stack_mb
    if wall_s is None:
        given["wall_s"] = 10 * cpu_s if 0 < cpu_s <= 3600 else Limits().wall_s
    try:
        return Limits.model_validate(given)
    except ValidationError as error:
        raise UserError(*map(_limit_problem, error.errors())) from None


def _limit_problem(error: "ErrorDetails") -> Problem:
    from synth.records import Limits
    from synth.verify.rows import in_our_words

    name = str(error["loc"][0])
    option = f"--{name.replace('_', '-')}"
    fix = f"{option} {Limits.model_fields[name].default}"
    return Problem(
        f"{option} {error['input']}", in_our_words(error["msg"]), fix, "docs/architecture/verify.md"
    )


def check_level(level: str) -> "IsolationLevel":
    """The isolation level of that name. Raises UserError."""
    from synth.records import IsolationLevel

    levels: tuple[IsolationLevel, ...] = get_args(IsolationLevel)
    for name in levels:
        if level == name:
            return name
    raise UserError(
        Problem(
            f"--minimum-level {level}",
            "must be A, B or C",
            "--minimum-level B",
            "docs/architecture/sandbox.md",
        )
    )
