"""Options that the commands share which run programs, and the sandbox and limits made from them.

Place in the flow: `exec`, `verify`, `audit` and `serve` take them as one argument, `ExecutionOptions`. The
one rule: invalid values are reported at once.
"""

import inspect
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple, get_args

import typer

from synth.errors import Problem, UserError

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails

    from synth.execution.protocol import Sandbox
    from synth.packages_config import PackagesConfig
    from synth.records import IsolationLevel, Limits

Workers = Annotated[
    int,
    typer.Option(
        "--workers",
        min=0,
        help="Concurrent programs. 0 = one per core (two for interpreted languages).",
    ),
]

MayRaiseLimits = Annotated[
    bool, typer.Option("--row-limits", help="Let rows raise the limits of this command.")
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


@dataclass(frozen=True, slots=True)
class ExecutionOptions:
    """Limits of a program, and where it runs."""

    cpu_s: Annotated[
        float,
        typer.Option(
            "--cpu-s", help="CPU seconds per program. A program that needs more gets the verdict timeout."
        ),
    ] = 5.0
    wall_s: Annotated[
        float | None,
        typer.Option("--wall-s", help="Wall seconds per program, as a backstop. Default: ten times --cpu-s."),
    ] = None
    memory_mb: Annotated[int, typer.Option("--memory-mb", help="Memory per program in MiB.")] = 512
    output_bytes: Annotated[
        int,
        typer.Option("--output-bytes", help="Maximum bytes per program on stdout and stderr together."),
    ] = 8 << 20
    stack_mb: Annotated[
        int, typer.Option("--stack-mb", help="Stack of the main thread in MiB, within the memory limit.")
    ] = 8
    minimum_level: Annotated[
        str, typer.Option("--minimum-level", help="Lowest acceptable isolation level: A, B or C.")
    ] = "C"
    kind: Annotated[
        str,
        typer.Option("--sandbox", help="Where programs run: local, or e2b (with the key in E2B_API_KEY)."),
    ] = "local"

    def limits(self) -> "Limits":
        """The limits that the options state. Raises UserError with every invalid value."""
        return _read_limits(self)

    def sandbox(
        self,
        workers: int,
        cache: Path | None = None,
        packages: list[str] | None = None,
        serves: bool = False,
        usual: Sequence[str] = (),
    ) -> "ChosenSandbox":
        """The sandbox that the options name. One that `serves` remembers no answers, and lets nobody wait for
        programs that run long. `usual` are the ready-made sets of packages that are used without an option.
        Raises UserError."""
        return _choose_sandbox(self, workers, cache, packages, serves, usual)


def with_execution_options(command: Callable[..., None], **defaults: object) -> Callable[..., None]:
    """The command with one option for each field of ExecutionOptions, which it takes as `execution`.
    `defaults` are its own."""
    own = inspect.signature(command, eval_str=True)
    options = [
        inspect.Parameter(
            one.name,
            inspect.Parameter.KEYWORD_ONLY,
            default=defaults.get(one.name, one.default),
            annotation=one.type,
        )
        for one in fields(ExecutionOptions)
    ]

    @wraps(command)
    def run(**given: Any) -> None:  # noqa: ANN401  # whatever the command takes
        chosen = ExecutionOptions(**{one.name: given.pop(one.name) for one in options})
        command(**given, execution=chosen)

    kept = [one for name, one in own.parameters.items() if name != "execution"]
    signature = own.replace(parameters=[*kept, *options])
    run.__dict__.pop("__wrapped__")
    run.__dict__["__signature__"] = signature
    run.__annotations__ = {name: one.annotation for name, one in signature.parameters.items()}
    return run


class ChosenSandbox(NamedTuple):
    """A sandbox that is not started yet, and how many programs to give it per call."""

    sandbox: "Sandbox"
    batch: int


def _choose_sandbox(
    options: ExecutionOptions,
    workers: int,
    cache: Path | None,
    packages: list[str] | None,
    serves: bool,
    usual: Sequence[str],
) -> ChosenSandbox:
    from synth.config import E2bSandboxConfig, LocalSandboxConfig
    from synth.execution.factory import create_sandbox
    from synth.verify.verify import REMEMBERED

    level, folder = _check_level(options.minimum_level), None if cache is None else str(cache)
    asked = read_packages(packages)
    if options.kind == "local":
        local = LocalSandboxConfig(workers=workers, minimum_level=level, cache=folder, packages=asked)
        kept = 0 if serves else REMEMBERED
        made = create_sandbox(local, remembered=kept, lends=serves, usual=usual)
        return ChosenSandbox(made, 1)
    if options.kind == "e2b":
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
        Problem(
            f"--sandbox {options.kind}",
            "must be local or e2b",
            "--sandbox local",
            "docs/architecture/verify.md",
        )
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


def _read_limits(options: ExecutionOptions) -> "Limits":
    from pydantic import ValidationError

    from synth.records import Limits

    names = ("cpu_s", "wall_s", "memory_mb", "output_bytes", "stack_mb")
    given = {name: getattr(options, name) for name in names}
    if options.wall_s is None:
        given["wall_s"] = 10 * options.cpu_s if 0 < options.cpu_s <= 3600 else Limits().wall_s
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


def _check_level(level: str) -> "IsolationLevel":
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
