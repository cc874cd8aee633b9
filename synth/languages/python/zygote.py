"""The warm Python: loads the interpreter and the usual modules once, and starts each program by a fork into
namespaces of its own.

It runs inside a worker of the sandbox, beside driver.py and libzygote.so
(synth/execution/isolation/launcher/zygote.c), whose call returns in the programs only. The one rule: what a
program finds is what it would find in a fresh interpreter.
"""

import ctypes
import gc
import io
import os
import sys
import types

sys.path.insert(0, "/work")
import driver  # type: ignore[import-not-found]

sys.path.remove("/work")
del sys.modules["driver"]  # programs have no such module

USUAL = (
    "abc array bisect cmath collections.abc contextlib copy dataclasses datetime decimal enum fractions "
    "functools hashlib heapq io itertools json math numbers operator queue random re statistics string "
    "struct textwrap threading time traceback typing"
)
_PARTING = sys.argv.index("--") if "--" in sys.argv else len(sys.argv)
for _name in (*USUAL.split(), *sys.argv[1:_PARTING]):  # the packages that its programs ask for
    __import__(_name)
ARGUMENTS = sys.argv[_PARTING + 1 :]
"""Of its programs."""
del sys.argv[1:]


def fill_free_memory() -> None:
    """Take what is free in pages that are in use, so that objects of a program lie together on new ones.

    Each page of ours that it writes to is copied for it: sixty fewer of 460. CPython gives objects of one
    size (in steps of 16 up to 512 bytes) from a pool of 4 or 16 KiB, whose first block comes 48 bytes after
    its start: from there on the pool is new.
    """
    allocate = ctypes.PyDLL(None).PyObject_Malloc
    allocate.restype, allocate.argtypes = ctypes.c_void_p, [ctypes.c_size_t]
    for size in range(16, 513, 16):
        for _ in range(20_000):
            if allocate(size) % 16384 == 48:
                break


def warm_up() -> None:
    """Run what every program runs: the interpreter rewrites code when it runs for the first times, and each
    fork would copy it for that."""
    null = os.open("/dev/null", os.O_RDWR)
    for _ in range(20):
        driver.read_all(null)
        driver._send(null, driver._call(lambda value: value, "l2 i1 i2"))
    os.close(null)


def fresh_stdin() -> io.TextIOWrapper:
    """As the interpreter makes it: the one that the zygote began with knows only the zygote's pipe."""
    raw = io.FileIO(0, closefd=False)
    raw.name = "<stdin>"
    text = io.TextIOWrapper(io.BufferedReader(raw), sys.stdin.encoding, sys.stdin.errors, newline="\n")
    text.mode = "r"  # type: ignore[misc]
    return text


def run_file(name: str) -> None:
    """A stdin/stdout program, as the main module."""
    path, module = f"/work/{name}", types.ModuleType("__main__")
    module.__dict__.update(__file__=path, __cached__=None, __annotations__={}, __builtins__=__builtins__)
    sys.modules["__main__"], sys.argv = module, [name, *ARGUMENTS]
    sys.stdin = sys.__stdin__ = fresh_stdin()  # type: ignore[misc]
    with open(name, "rb") as file:  # noqa: PTH123  # no pathlib here: it costs 3 ms
        code = compile(file.read(), path, "exec", dont_inherit=True)
    exec(code, module.__dict__)


def status_of(end: SystemExit) -> int:
    """The exit code that the interpreter would end with."""
    if end.code is None or isinstance(end.code, int):
        return (end.code or 0) & 0xFF
    print(end.code, file=sys.stderr)
    return 1


def become_program() -> None:
    """In the fork: the program of a file, or a function that the driver calls. Never returns."""
    status = 0
    try:
        run_file("main.py") if os.path.exists("main.py") else driver.main()  # noqa: PTH110
    except SystemExit as end:
        status = status_of(end)
    except BaseException as error:  # noqa: BLE001  # whatever the program raised
        status = 1
        traceback = error.__traceback__
        while traceback and traceback.tb_frame.f_code.co_filename == __file__:
            traceback = traceback.tb_next
        sys.excepthook(type(error), error.with_traceback(traceback), traceback)
    try:
        sys.modules["threading"]._shutdown()
        sys.modules["atexit"]._run_exitfuncs()
        sys.stdout.flush()
        sys.stderr.flush()
    finally:
        os._exit(status)


def main() -> None:
    """Serve until stdin ends, which ends the process."""
    if len(os.listdir("/proc/self/task")) > 1:  # noqa: PTH208
        sys.exit("a package has started a thread, which no fork would have")
    serve = ctypes.PyDLL("/work/libzygote.so").codemill_serve
    __import__("atexit")
    driver.load_beside("suite")
    state = sys.modules["random"]._inst
    seed = super(type(state), state).seed  # what its own seed() ends in
    warm_up()
    gc.collect()
    fill_free_memory()
    gc.freeze()
    # one thread, which goes on: nothing of what PyOS_AfterFork_Child mends is broken, and it costs as much as
    # a small program
    serve()
    seed()
    if "numpy.random" in sys.modules:
        sys.modules["numpy.random"].seed()
    become_program()


main()
