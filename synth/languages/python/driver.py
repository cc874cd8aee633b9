"""The Python driver: calls one function of a program on each input and writes the results to a private
descriptor.

It runs inside the sandbox with nothing but the standard library: as a script (`python -I -S driver.py`, the
program beside it in solution.py), or in a process forked from the warm one. Lines in and out are described in
docs/architecture/execution.md. The one rule: a value is written by its exact type, so an object that claims
to equal everything is no value at all.
"""

import builtins
import fcntl
import os
import sys
import types
from collections import Counter, OrderedDict, defaultdict

# Functions look names up in the builtins that their module had when they were made: a private copy, so that a
# program that
# replaces `type` or `repr` does not change what is written here.
globals()["__builtins__"] = dict(vars(builtins))

_write, _exit, _read, _close, _open, _dup2 = os.write, os._exit, os.read, os.close, os.open, os.dup2
_encode_text, _items, _repr_float, _compile, _flush = (
    str.encode,
    dict.items,
    float.__repr__,
    compile,
    sys.stdout.flush,
)
_MAPS = (dict, defaultdict, Counter, OrderedDict)
_random, _dup = os.urandom, fcntl.fcntl


class Unreadable(Exception):
    """A result that is not a language-neutral value."""


def read_all(descriptor: int) -> bytes:
    """Everything until the end of the descriptor."""
    chunks = []
    while chunk := _read(descriptor, 1 << 20):
        chunks.append(chunk)
    return b"".join(chunks)


def decode(tokens: list[str], at: int) -> tuple[object, int]:
    """The value that starts at token `at`, and the token after it."""
    tag, rest = tokens[at][0], tokens[at][1:]
    at += 1
    if tag == "i":
        return int(rest), at
    if tag == "f":
        return float(rest), at
    if tag == "s":
        return bytes.fromhex(rest).decode("utf-8", "surrogatepass"), at
    if tag == "b":
        return rest == "1", at
    if tag == "n":
        return None, at
    items = []
    for _ in range(int(rest) * (2 if tag == "m" else 1)):
        item, at = decode(tokens, at)
        items.append(item)
    if tag == "m":
        return dict(zip(items[::2], items[1::2], strict=True)), at
    return (items if tag == "l" else tuple(items)), at


def encode(value: object, tokens: list[str]) -> None:
    """Append the wire tokens of a value. Exact types only; raises Unreadable for anything else."""
    kind = type(value)
    if value is None:
        tokens.append("n")
    elif value is True or value is False:
        tokens.append("b1" if value is True else "b0")
    elif kind is int:
        tokens.append(f"i{value}")
    elif kind is float:
        tokens.append("f" + _repr_float(value))
    elif kind is str:
        tokens.append("s" + _encode_text(value, "utf-8", "surrogatepass").hex())  # type: ignore[arg-type]
    elif kind is list or kind is tuple:
        tokens.append(f"{'l' if kind is list else 't'}{len(value)}")  # type: ignore[arg-type]
        for item in value:  # type: ignore[attr-defined]
            encode(item, tokens)
    elif kind in _MAPS:
        pairs: list[tuple[object, object]] = list(_items(value))  # type: ignore[arg-type]
        tokens.append(f"m{len(pairs)}")
        for key, item in pairs:
            encode(key, tokens)
            encode(item, tokens)
    else:
        raise Unreadable(f"a value of type {kind.__name__} is not language-neutral")


def describe(error: BaseException) -> str:
    """Type and message of an exception, cut to 300 characters; the message may be hostile code."""
    try:
        text = str(error)
    except Exception:  # noqa: BLE001  # the message is the program's own code
        text = ""
    return f"{type(error).__name__}: {text}"[:300] if text else type(error).__name__


def _call(function: types.FunctionType, line: str) -> str:
    """Call on one input; what follows the index on the result line."""
    try:
        arguments = [decode(part.split(" "), 0)[0] for part in line.split("\t")] if line else []
        result = function(*arguments)
        tokens: list[str] = []
        encode(result, tokens)
        return "returned " + " ".join(tokens)
    except Unreadable as error:
        return "unreadable " + str(error).encode().hex()
    except Exception as error:  # noqa: BLE001  # whatever the program raises is its result
        return "raised " + describe(error).encode("utf-8", "replace").hex()


def _find(namespace: dict[str, object], entry_point: str) -> object:
    """The function of that name: of the module, or of a class `Solution`."""
    if entry_point in namespace:
        return namespace[entry_point]
    solution = namespace.get("Solution")
    if isinstance(solution, type) and hasattr(solution, entry_point):
        return getattr(solution(), entry_point)
    raise NameError(f"the program defines no function {entry_point!r}")


def _send(channel: int, text: str) -> None:
    data = (text + "\n").encode("ascii")
    while data:
        data = data[_write(channel, data) :]


def run_program(code: str, request: str, channel: int) -> None:
    """Load the program and call it on each input of the request. Ends the process; never returns."""
    nonce, entry_point, _, _, count, *cases = request.split("\n")
    if " " in entry_point:  # no function has such a name: it parts a program from its test script
        load_beside("suite").run_script(
            code, f"\n# {entry_point}\n", lambda text: _send(channel, f"{nonce} {text}"), describe
        )
    try:
        compiled = _compile(code.removeprefix("\ufeff"), "solution.py", "exec", dont_inherit=True)
    except (SyntaxError, ValueError, RecursionError, MemoryError, OverflowError) as error:
        _send(channel, f"{nonce} parse_error {describe(error).encode('utf-8', 'replace').hex()}")
        _exit(1)
    module = types.ModuleType("solution")
    sys.modules["solution"] = module
    exec(compiled, module.__dict__)
    function = _find(module.__dict__, entry_point)
    for index in range(int(count)):
        _send(channel, f"{nonce} {index} {_call(function, cases[index])}")  # type: ignore[arg-type]
    _send(channel, f"{nonce} finished")
    try:
        _flush()
    finally:
        _exit(0)


_beside: dict[str, types.ModuleType] = {}


def load_beside(name: str) -> types.ModuleType:
    """A module that lies beside this one, out of the program's reach by name."""
    if name in _beside:
        return _beside[name]
    folder, before = os.path.dirname(os.path.abspath(__file__)), set(sys.modules)  # noqa: PTH100, PTH120
    sys.path.insert(0, folder)
    module: types.ModuleType = __import__(name)
    sys.path.remove(folder)
    for loaded in set(sys.modules) - before:
        if (getattr(sys.modules[loaded], "__file__", None) or "").startswith(folder):
            del sys.modules[loaded]
    _beside[name] = module
    return module


def close_stdin() -> None:
    """From here on, the program's stdin is empty."""
    null = _open("/dev/null", os.O_RDONLY)
    _dup2(null, 0)
    _close(null)


def hide_channel(descriptor: int) -> int:
    """Move the channel to a descriptor that is not easily guessed and that children do not inherit."""
    hidden = _dup(descriptor, fcntl.F_DUPFD_CLOEXEC, 64 + _random(1)[0])
    _close(descriptor)
    return hidden


def main() -> None:
    """One program: the request on stdin, the code in solution.py."""
    request = read_all(0).decode("ascii")
    close_stdin()
    source = _open("solution.py", os.O_RDONLY)
    code = read_all(source).decode("utf-8", "surrogatepass")
    _close(source)
    run_program(code, request, hide_channel(3))


if __name__ == "__main__":
    main()
