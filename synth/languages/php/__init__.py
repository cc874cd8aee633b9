"""PHP: called by php/driver.php; lists, tuples and maps are arrays."""

from synth.languages.php.conformance import CONTROLS, GOLD, HELLO, SAMPLES, STUBS
from synth.languages.spec import (
    Driver,
    FailureWords,
    Language,
    Script,
    Zygote,
    parameter_names,
)
from synth.languages.support.composing import check_keys
from synth.languages.support.sources import read_source
from synth.values import Signature

_WRITTEN = {"int": "int", "float": "float", "str": "string", "bool": "bool", "null": "null", "any": "mixed"}
_ASSERTING = ("-d", "zend.assertions=1", "-d", "assert.exception=1")
_FLAGS = ("-d", "display_errors=stderr", "-d", "log_errors=0", "-d", "memory_limit={heap_mb}M", *_ASSERTING)


def render_signature(entry_point: str, names: tuple[str, ...], signature: Signature) -> str:
    """`function solve(array $xs, int $k): int`. A null result has no type in older PHP, so
    none is written."""
    pairs = zip(parameter_names(names, signature), signature.parameters, strict=True)
    written = ", ".join(f"{_WRITTEN.get(kind.kind, 'array')} ${name}" for name, kind in pairs)
    result = "" if signature.result.kind == "null" else f": {_WRITTEN.get(signature.result.kind, 'array')}"
    return f"function {entry_point}({written}){result}"


def _files(code: str, entry_point: str, signature: Signature) -> dict[str, str]:
    check_keys(signature, "a PHP array")
    return {
        "solution.php": code if "<?" in code else f"<?php {code}",
        "driver.php": read_source("php/driver.php"),
    }


_ASSERT = r"foreach (['zend.assertions', 'assert.active', 'assert.exception'] as $_) @\ini_set($_, '1');"


def _script(code: str, script: str, mark: str) -> dict[str, str]:
    """Assertions are on, also where the program switches them off. The ending is in PHP mode, whatever mode
    the script ends in."""
    code = code if "<?" in code else f"<?php {code}"
    text = f"{code}\n{f'<?php {_ASSERT} ?>' if _is_text(code) else _ASSERT}\n{script}\n"
    opening = "<?php " if _is_text(text) else ""
    return {"main.php": f'{text}{opening}fwrite(fopen("php://fd/3", "w"), {mark});\n'}


def _is_text(code: str) -> bool:
    """Whether it ends outside of PHP."""
    return code.rfind("?>") > code.rfind("<?")


LANGUAGE = Language(
    name="php",
    file_name="main.php",
    tools=("php",),
    install="apt-get install -y php-cli php-mbstring",
    grammar="php",
    display_name="PHP",
    paths=("/etc/php", "/var/lib/php/modules"),
    run_command=("{php}", *_FLAGS, "main.php"),
    runtime_mb=64,
    driver=Driver(files=_files, run_command=("{php}", *_FLAGS, "driver.php")),
    zygote=Zygote(skipped_function="php_module_shutdown"),
    render_signature=render_signature,
    script=Script(files=_script),
    failures=FailureWords(fatal_out_of_memory=("Allowed memory size of", "Out of memory (allocated")),
    gold=GOLD,
    hello=HELLO,
    controls=CONTROLS,
    stubs=STUBS,
    samples=SAMPLES,
)
