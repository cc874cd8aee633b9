"""Whether a request needs packages that are not there, and the command that builds them.

Place in the flow: `program_plan.py` asks before it plans. The one rule: the answer follows from the texts and
from what is installed, never from how a program ended, so no program can call its own fault a missing
package.
"""

from pathlib import PurePath

from synth.languages.package_use import ImportQuestion
from synth.languages.spec import Language
from synth.languages.toolchain import Toolchain
from synth.packages_config import package_of, ready_sets
from synth.records import ExecutionRequest, ProgramCall, ScriptCall


def say_missing(language: Language, toolchain: Toolchain, request: ExecutionRequest) -> str:
    """What makes the missing modules available; empty if none is missing."""
    if language.packages is None or toolchain.modules is None:
        return ""
    script = request.call.script if isinstance(request.call, ScriptCall) else ""
    known = package_of(language.name)
    beside = request.call.files if isinstance(request.call, ProgramCall) else ()
    own = {name for file in beside for name in (PurePath(file.path).parts[0], PurePath(file.path).stem)}
    question = ImportQuestion(request.code, script, toolchain.modules | own, known)
    modules = language.packages.lacking(question)
    if not modules:
        return ""
    packages = [known.get(module, module) for module in modules]
    way = _command(language.name, packages) if toolchain.marks else _elsewhere(language, packages)
    return f"{way} ({language.name} has no module {', '.join(modules)} here)"


def _elsewhere(language: Language, packages: list[str]) -> str:
    """On another machine, programs see what its toolchain sees by itself."""
    if language.packages is not None and language.packages.machine:
        return f"put {', '.join(packages)} into the sandbox's template"
    return f"packages of {language.name} are built for local sandboxes only"


def _command(language: str, packages: list[str]) -> str:
    if set(packages) <= set(ready_sets()["default"].get(language, ())):
        return "codemill packages build"
    option = f"--packages '{{{language}: [{', '.join(packages)}]}}'"
    return f"codemill packages build {option}, and give this command the same option"
