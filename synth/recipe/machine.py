"""Checks that this machine has what a recipe needs: toolchains, packages and keys. Runs before anything is
spent and imports nothing heavy.

The one rule: if the run would fail, it is a problem; if it would only yield less, it is a warning.
"""

import os
import re
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from importlib.util import find_spec

from synth.config import E2bSandboxConfig, EngineBaseConfig, LocalSandboxConfig, Recipe, ScreenConfig
from synth.errors import UserError
from synth.languages.registry import get_language
from synth.languages.spec import Language
from synth.languages.toolchain import Toolchain, find_toolchain
from synth.recipe.finding import Finding
from synth.recipe.names import languages_named
from synth.recipe.source import KeyPath

FindToolchain = Callable[[str], Toolchain | None]

_SEE = "codemill doctor"
_TRAINING = ("torch", "trl", "peft", "datasets")


def check_machine(recipe: Recipe, find: FindToolchain = find_toolchain) -> Iterator[Finding]:
    """Everything that the recipe needs and this machine does not have."""
    yield from _toolchains(recipe, find)
    yield from _packages(recipe)
    yield from _keys(recipe)
    yield from _headers(recipe)
    yield from _e2b(recipe)


def _toolchains(recipe: Recipe, find: FindToolchain) -> Iterator[Finding]:
    if not isinstance(recipe.execution, LocalSandboxConfig):
        return
    named = list(_executed(recipe))
    names = list(dict.fromkeys(language.name for _, language in named))
    with ThreadPoolExecutor(4) as pool:
        missing = {name for name, found in zip(names, pool.map(find, names), strict=True) if found is None}
    yield from (_missing_toolchain(path, language) for path, language in named if language.name in missing)


def _executed(recipe: Recipe) -> Iterator[tuple[KeyPath, Language]]:
    """Languages whose programs run. Seeds only run if there are solutions to compare with them."""
    solves = recipe.data is not None and recipe.data.solve is not None
    for path, name in languages_named(recipe):
        if path[:2] == ("data", "seeds") and not solves:
            continue
        try:
            yield path, get_language(name)
        except UserError:
            continue  # reported by check_names


def _missing_toolchain(path: KeyPath, language: Language) -> Finding:
    fatal = path[:2] != ("data", "seeds")
    consequence = "" if fatal else "; its seeds are rejected as language_not_run"
    expected = f"cannot run on this machine: {' or '.join(language.tools)} is missing{consequence}"
    return Finding(
        (path,), expected, f"{language.install}    or remove `{language.name}` from the list", fatal, _SEE
    )


def _packages(recipe: Recipe) -> Iterator[Finding]:
    yield from _engine_packages(recipe)
    yield from _scanner(recipe)
    lacking = ", ".join(package for package in _TRAINING if not is_installed(package))
    for key in dict.fromkeys(path.partition(".")[0] for path in recipe.trainings):
        if lacking:
            yield Finding(
                ((key,),),
                f"needs packages that are not installed: {lacking}",
                "pip install 'codemill[train]'",
                see=_SEE,
            )
    yield from _reporters(recipe)
    yield from _quantizers(recipe)


def _engines(recipe: Recipe) -> Iterator[tuple[str, EngineBaseConfig]]:
    return iter(recipe.engines.items())


def _engine_packages(recipe: Recipe) -> Iterator[Finding]:
    for key, engine in _engines(recipe):
        package = engine.needs_package
        if package is not None and not is_installed(package.module):
            yield Finding(
                ((key,),), f"needs {package.display_name}, which is not installed", package.install, see=_SEE
            )


def _scanner(recipe: Recipe) -> Iterator[Finding]:
    screen = getattr(recipe.data.seeds, "screen", None) if recipe.data is not None else None
    if isinstance(screen, ScreenConfig) and screen.secrets and not is_installed(screen.needs_package.module):
        package = screen.needs_package
        expected = f"needs {package.display_name}, which is not installed"
        fix = f"{package.install}, or `screen: {{secrets: false}}` if the sources hold no secrets"
        yield Finding((("data", "seeds"),), expected, fix, see=_SEE)


def _reporters(recipe: Recipe) -> Iterator[Finding]:
    for path, config in recipe.trainings.items():
        package = config.report_to
        if package != "none" and not is_installed(package):
            yield Finding(
                ((*path.split("."), "report_to"),),
                f"needs the package {package}, which is not installed",
                f"pip install {package}",
                see=_SEE,
            )


def _quantizers(recipe: Recipe) -> Iterator[Finding]:
    for path, config in recipe.trainings.items():
        if config.lora is not None and config.lora.quantization and not is_installed("bitsandbytes"):
            yield Finding(
                ((*path.split("."), "lora", "quantization"),),
                "needs the package bitsandbytes, which is not installed",
                "pip install bitsandbytes",
                see=_SEE,
            )


def _keys(recipe: Recipe) -> Iterator[Finding]:
    for key, engine in _engines(recipe):
        variable = engine.key_variable
        if variable and not os.environ.get(variable):
            expected = (
                f"names a variable that is not set ({variable}); an endpoint that needs a key will refuse"
            )
            fix = f"export {variable}=…    (or ignore this if the endpoint needs no key)"
            yield Finding(((key, "api_key_env"),), expected, fix, fatal=False)


def _headers(recipe: Recipe) -> Iterator[Finding]:
    for key, engine in _engines(recipe):
        for name, value in engine.additions.headers.items():
            for variable in re.findall(r"\$\{(\w+)\}", value):
                if not os.environ.get(variable):
                    path = (key, "request", "headers", name)
                    expected = f"must name variables that are set; {variable} is not"
                    yield Finding((path,), expected, f"export {variable}=…")


def _e2b(recipe: Recipe) -> Iterator[Finding]:
    """No program can run without the package or the key. The package's debug mode talks to one's own machine
    and needs no key."""
    execution = recipe.execution
    if not isinstance(execution, E2bSandboxConfig):
        return
    if not is_installed("e2b_code_interpreter"):
        yield Finding(
            (("execution",),),
            "needs the package e2b-code-interpreter, which is not installed",
            "pip install 'codemill[e2b]'",
            see=_SEE,
        )
    if not os.environ.get(execution.api_key_env) and os.environ.get("E2B_DEBUG", "").lower() != "true":
        expected = f"must name a variable that holds an E2B key; {execution.api_key_env} is not set"
        yield Finding(
            (("execution", "api_key_env"),), expected, f"export {execution.api_key_env}=…", see=_SEE
        )


def is_installed(package: str) -> bool:
    """Whether the package could be imported. Does not import it."""
    try:
        return find_spec(package) is not None
    except (ImportError, ValueError):
        return False
