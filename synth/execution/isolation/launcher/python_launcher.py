"""The launcher in Python, for machines without a C compiler: the same messages, the same operations, the same
reports as `launcher.c`.

Place in the flow: `slot.py` starts it in a bare interpreter. The one rule: it does what `launcher.c` does;
the whole suite of the sandbox runs on both. All imports come before the first operation, because afterwards
the host's files are gone.
"""

import contextlib
import ctypes
import fcntl
import mmap
import os
import resource
import select
import signal
import socket
import sys
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple, NoReturn

sys.path.insert(0, str(Path(__file__).resolve().parents[4]))
from synth.execution.isolation.operations import (
    ANSWER,
    ENDED,
    FAILED,
    FORBIDDEN,
    HEADER,
    LONGEST,
    REPORT,
    Code,
)

_CONTROL, _CHANNEL, _STATUS, _HIGH, _KEPT = 3, 3, 4, 32, 64
_PR_SET_PDEATHSIG, _PR_SET_DUMPABLE, _PR_CAPBSET_DROP, _PR_CAP_AMBIENT = 1, 4, 24, 47
_AMBIENT_CLEAR_ALL, _MNT_DETACH, _AT_RECURSIVE, _AT_FDCWD, _CLONE_NEWPID = 4, 2, 0x8000, -100, 0x20000000
_CLONE_NEWNS, _CLONE_NEWUSER, _TREE_CLONE, _FROM_DESCRIPTOR, _CLOSED_ON_EXEC, _CREATE = (
    0x20000,
    0x10000000,
    1,
    4,
    1,
    6,
)
_MACHINE = os.uname().machine
_CLONE, _PIVOT_ROOT, _CAPSET, _SECCOMP = (56, 155, 126, 317) if _MACHINE == "x86_64" else (220, 41, 91, 277)
_SET_FILTER, _NEW_LISTENER, _RECEIVE_CALL, _CALL_BYTES, _CALL_NUMBER_AT = 1, 8, 0xC0502100, 80, 16
_OPEN_TREE, _MOVE_MOUNT, _FSOPEN, _FSCONFIG, _FSMOUNT = 428, 429, 430, 431, 432
_CLOSE_RANGE, _CLOSE_ON_EXEC = 436, 4
_MOUNT_SETATTR, _LANDLOCK_CREATE, _LANDLOCK_ADD, _LANDLOCK_RESTRICT = 442, 444, 445, 446

_libc = ctypes.PyDLL(None, use_errno=True)  # keeps the interpreter's lock, so a clone behaves like a fork
_libc.syscall.restype = ctypes.c_long
_Handler = Callable[[list[bytes], tuple[int, ...]], object]


class PlanStep(NamedTuple):
    number: int
    code: int
    texts: list[bytes]
    numbers: tuple[int, ...]


class Launcher:
    """The state of one slot process, or of a job after the clone."""

    clone_flags = 0
    proc = ruleset = slot = status = listener = user = mounts = mounted_proc = oom = -1
    at_exit: "list[PlanStep] | None" = None


_state = Launcher()


def _checked(answer: int) -> int:
    if answer < 0:
        error = ctypes.get_errno()
        raise OSError(error, os.strerror(error))
    return answer


def _syscall(number: int, *arguments: int | bytes | None) -> int:
    return _checked(
        _libc.syscall(number, *[ctypes.c_long(item) if isinstance(item, int) else item for item in arguments])
    )


def _steps(data: bytes) -> list[PlanStep]:
    found: list[PlanStep] = []
    at = 0
    while at < len(data):
        code, *rest = HEADER.unpack_from(data, at)
        at += HEADER.size
        texts = []
        for size in rest[:4]:
            texts.append(data[at : at + size])
            at += size + 1
        found.append(PlanStep(len(found) + 1, code, texts, tuple(rest[4:])))
    return found


def _write(path: bytes, data: bytes, flags: int, mode: int = 0, folder: int | None = None) -> None:
    descriptor = os.open(
        path, flags | os.O_WRONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK, mode, dir_fd=folder
    )
    try:
        while data:
            data = data[os.write(descriptor, data) :]
    finally:
        os.close(descriptor)


def _path(text: bytes) -> Path:
    return Path(os.fsdecode(text))


def _link(texts: list[bytes], _: tuple[int, ...]) -> None:
    with contextlib.suppress(FileExistsError):
        _path(texts[1]).symlink_to(_path(texts[0]))


def _mount(texts: list[bytes], numbers: tuple[int, ...]) -> None:
    source, target, kind, data = texts
    _checked(_libc.mount(source, target, kind or None, ctypes.c_ulong(numbers[0]), data or None))


def _pivot(texts: list[bytes], _: tuple[int, ...]) -> None:
    os.chdir(texts[0])
    _syscall(_PIVOT_ROOT, b".", b".")
    _checked(_libc.umount2(b".", _MNT_DETACH))
    os.chdir("/")


_UNLIMITED = (1 << 64) - 1


def _set_limit(_: list[bytes], numbers: tuple[int, ...]) -> None:
    kind, soft, hard = numbers
    allowed = resource.getrlimit(kind)[1]
    hard = hard if allowed == resource.RLIM_INFINITY else min(hard, allowed)
    unlimited = hard == _UNLIMITED
    resource.setrlimit(kind, (min(soft, hard), resource.RLIM_INFINITY if unlimited else hard))


def _set_ids(_: list[bytes], numbers: tuple[int, ...]) -> None:
    with contextlib.suppress(PermissionError):
        os.setgroups([])
    os.setresgid(numbers[1], numbers[1], numbers[1])
    os.setresuid(numbers[0], numbers[0], numbers[0])


def _drop_capabilities(_: list[bytes], __: tuple[int, ...]) -> None:
    for capability in range(64):
        if _libc.prctl(_PR_CAPBSET_DROP, capability, 0, 0, 0) < 0 and ctypes.get_errno() == 22:
            break
    _checked(_libc.prctl(_PR_CAP_AMBIENT, _AMBIENT_CLEAR_ALL, 0, 0, 0))
    _syscall(_CAPSET, (0x20080522).to_bytes(8, sys.byteorder), bytes(24))


def _filter_calls(texts: list[bytes], numbers: tuple[int, ...]) -> None:
    """With a number, the process that carries this out is notified of the calls that the filter marks; its
    children are not."""
    lines = ctypes.create_string_buffer(texts[0], len(texts[0]))
    program = (ctypes.c_uint64 * 2)(len(texts[0]) // 8, ctypes.addressof(lines))
    made = _checked(_libc.syscall(_SECCOMP, _SET_FILTER, _NEW_LISTENER if numbers[0] else 0, program))
    if numbers[0]:
        _state.listener = fcntl.fcntl(made, fcntl.F_DUPFD_CLOEXEC, _HIGH)
        os.close(made)


def _prctl(_: list[bytes], numbers: tuple[int, ...]) -> None:
    _checked(_libc.prctl(int(numbers[0]), *map(ctypes.c_ulong, (*numbers[1:3], 0, 0))))
    if numbers[0] == _PR_SET_PDEATHSIG and _state.slot >= 0 and select.select([_state.slot], [], [], 0)[0]:
        os._exit(1)


def _execute(texts: list[bytes], _: tuple[int, ...]) -> None:
    argv, env = (text.split(b"\0")[:-1] for text in texts[:2])
    os.execve(argv[0], argv, dict(item.split(b"=", 1) for item in env))


def _allow_beneath(texts: list[bytes], numbers: tuple[int, ...]) -> None:
    with contextlib.suppress(FileNotFoundError):
        folder = os.open(texts[0], os.O_PATH | os.O_CLOEXEC)
        try:
            rule = numbers[0].to_bytes(8, sys.byteorder) + folder.to_bytes(4, sys.byteorder)
            _syscall(_LANDLOCK_ADD, _state.ruleset, 1, rule, 0)
        finally:
            os.close(folder)


def _keep(descriptor: int) -> int:
    """Returns the number under which it stays open."""
    kept = fcntl.fcntl(descriptor, fcntl.F_DUPFD_CLOEXEC, _KEPT)
    os.close(descriptor)
    return kept


def _keep_user(texts: list[bytes], _: tuple[int, ...]) -> None:
    """Keep a user namespace with these maps, by its descriptor."""
    child = _syscall(_CLONE, _CLONE_NEWUSER | signal.SIGCHLD, 0, 0, 0, 0)
    if child == 0:
        while True:
            signal.pause()
    try:
        for name, lines in zip(("uid_map", "gid_map"), texts, strict=False):
            _write(f"/proc/{child}/{name}".encode(), lines, 0)
        _state.user = _keep(os.open(f"/proc/{child}/ns/user", os.O_RDONLY | os.O_CLOEXEC))
    finally:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)


def _enter(descriptor: int, kind: int) -> None:
    _checked(_libc.setns(descriptor, kind))


def _keep_mounts(_: list[bytes], __: tuple[int, ...]) -> None:
    """Keep the current mount namespace, and the /proc mounted there."""
    _state.mounts = _keep(os.open("/proc/self/ns/mnt", os.O_RDONLY | os.O_CLOEXEC))
    _state.mounted_proc = _keep(os.open("/proc", os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC))


def _open_mount(path: bytes, kind: bytes, flags: int) -> int:
    """A detached mount: of a new file system of that kind, or of the existing path."""
    if not kind:
        return _syscall(
            _OPEN_TREE, _AT_FDCWD, path, _TREE_CLONE | os.O_CLOEXEC | (_AT_RECURSIVE if flags else 0)
        )
    context = _syscall(_FSOPEN, kind, _CLOSED_ON_EXEC)
    try:
        _syscall(_FSCONFIG, context, _CREATE, None, None, 0)
        return _syscall(_FSMOUNT, context, _CLOSED_ON_EXEC, flags)
    finally:
        os.close(context)


def _open_kept(opened: Callable[[], int]) -> int:
    """Returns a descriptor of something that only the kept mount namespace can provide."""
    own = os.open("self/ns/mnt", os.O_RDONLY | os.O_CLOEXEC, dir_fd=_state.mounted_proc)
    _enter(_state.mounts, _CLONE_NEWNS)
    try:
        return opened()
    finally:
        _enter(own, _CLONE_NEWNS)
        os.close(own)


def _open_file(texts: list[bytes], numbers: tuple[int, ...]) -> None:
    """Under this number it stays open after an exec."""
    opened = _open_kept(lambda: os.open(texts[0], numbers[1] | os.O_CLOEXEC))
    os.dup2(opened, numbers[0])
    os.close(opened)


def _show(texts: list[bytes], numbers: tuple[int, ...]) -> None:
    """Mount it at a path in ours."""
    shown = _open_kept(lambda: _open_mount(texts[0], texts[2], numbers[0]))
    try:
        _syscall(_MOVE_MOUNT, shown, b"", _AT_FDCWD, texts[1], _FROM_DESCRIPTOR)
    finally:
        os.close(shown)


def _remember(name: str, value: int) -> None:
    setattr(_state, name, value)


_HANDLERS: dict[int, _Handler] = {
    Code.UNSHARE: lambda t, n: _checked(_libc.unshare(ctypes.c_int(n[0]))),
    Code.MOUNT: _mount,
    Code.SETATTR: lambda t, n: _syscall(
        _MOUNT_SETATTR,
        _AT_FDCWD,
        t[0],
        _AT_RECURSIVE if n[0] else 0,
        n[1].to_bytes(8, sys.byteorder) + bytes(24),
        32,
    ),
    Code.MKDIR: lambda t, n: _path(t[0]).mkdir(n[0], parents=True, exist_ok=True),
    Code.FILE: lambda t, n: _write(t[0], t[1], os.O_CREAT, n[0]),
    Code.WRITE: lambda t, n: _write(t[0], t[1], 0),
    Code.SYMLINK: _link,
    Code.PIVOT: _pivot,
    Code.OPENPROC: lambda t, n: _remember(
        "proc", os.open("/proc/self", os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    ),
    Code.WRITEPROC: lambda t, n: _write(t[0], t[1], 0, folder=_state.proc),
    Code.PRCTL: _prctl,
    Code.RLIMIT: _set_limit,
    Code.SETIDS: _set_ids,
    Code.DROPCAPS: _drop_capabilities,
    Code.HOSTNAME: lambda t, n: _checked(_libc.sethostname(t[0], len(t[0]))),
    Code.CHDIR: lambda t, n: os.chdir(t[0]),
    Code.SECCOMP: _filter_calls,
    Code.EXEC: _execute,
    Code.CLONEFLAGS: lambda t, n: _remember("clone_flags", n[0]),
    Code.RMDIR: lambda t, n: _path(t[0]).rmdir(),
    Code.LANDLOCK: lambda t, n: _remember("ruleset", _syscall(_LANDLOCK_CREATE, t[0], len(t[0]), 0)),
    Code.LANDLOCK_ALLOW: _allow_beneath,
    Code.LANDLOCK_ENFORCE: lambda t, n: _syscall(_LANDLOCK_RESTRICT, _state.ruleset, 0),
    Code.KEEP_USER: _keep_user,
    Code.JOIN_USER: lambda t, n: _enter(_state.user, _CLONE_NEWUSER),
    Code.KEEP_MOUNTS: _keep_mounts,
    Code.JOIN_MOUNTS: lambda t, n: _enter(_state.mounts, _CLONE_NEWNS),
    Code.SHOW: _show,
    Code.OPEN: _open_file,
}


def _fail(index: int, error: OSError) -> NoReturn:
    os.write(_state.status, REPORT.pack(FAILED, index, 0, error.errno or 5))
    os._exit(1)


def _wait_any(options: int = 0) -> tuple[int, int] | None:
    """Reap one child; None if no child is left or none has ended."""
    try:
        ended = os.waitpid(-1, options)
    except ChildProcessError:
        return None
    return ended if ended[0] else None


def _kill_everything(program: int, job_id: int) -> None:
    """Without a pid namespace; `kill_everything` in init.c explains why this reaches no other process."""
    if job_id:
        _set_ids([], (job_id, job_id))
    try:
        os.kill(os.getppid(), 0)
    except PermissionError:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.kill(-1, signal.SIGKILL)
    else:
        os.kill(program, signal.SIGKILL)


def _hear_call() -> bool:
    """Whether a forbidden call was reported; it may be gone again, with the thread that made it."""
    told = bytearray(_CALL_BYTES)
    try:
        fcntl.ioctl(_state.listener, _RECEIVE_CALL, told)
    except OSError:
        return False
    number = int.from_bytes(told[_CALL_NUMBER_AT : _CALL_NUMBER_AT + 4], sys.byteorder)
    os.write(_state.status, REPORT.pack(FORBIDDEN, number, 0, 0))
    return True


def _be_init(program: int, wakes: int, numbers: tuple[int, ...]) -> NoReturn:
    status, over, lives, told_to_end, calls = 0, False, True, False, select.poll()
    for descriptor in (wakes, _state.listener):
        if descriptor >= 0:
            calls.register(descriptor, select.POLLIN)
    while not over:
        over = told_to_end
        while ended := _wait_any(os.WNOHANG):
            if ended[0] == program:
                status, over, lives = ended[1], True, False
        ready = [descriptor for descriptor, _ in calls.poll(0 if over else None)]
        if wakes in ready:
            told_to_end = signal.SIGTERM in os.read(wakes, 4096)
        over |= _state.listener in ready and _hear_call()
    if lives:  # it may not have switched to the job's user yet
        os.kill(program, signal.SIGKILL)
    if numbers[0]:
        _kill_everything(program, numbers[1])
    else:
        with contextlib.suppress(ProcessLookupError):
            os.kill(-1, signal.SIGKILL)
    while ended := _wait_any():
        status = ended[1] if ended[0] == program else status
    os.write(_state.status, REPORT.pack(ENDED, 0, status, 0))
    os._exit(0)


def _spawn(numbers: tuple[int, ...]) -> None:
    """The caller becomes init and ends there; its child continues as the program. Until the child is ready,
    neither process can be inspected."""
    wakes, wakes_in = [
        fcntl.fcntl(end, fcntl.F_DUPFD_CLOEXEC, _HIGH) for end in os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)
    ]
    signal.set_wakeup_fd(wakes_in, warn_on_full_buffer=False)
    waking = (signal.SIGCHLD, signal.SIGTERM) if numbers[0] else (signal.SIGCHLD,)
    for number in waking:
        signal.signal(number, lambda *_: None)
    _libc.prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0)
    program = os.fork()
    if program:
        for descriptor in range(4):
            with contextlib.suppress(OSError):
                os.close(descriptor)
        os.closerange(_KEPT, 4096)
        _be_init(program, wakes, numbers)
    signal.set_wakeup_fd(-1)
    for number in (*waking, signal.SIGPIPE, signal.SIGXFSZ, signal.SIGINT):
        signal.signal(number, signal.SIG_DFL)  # the interpreter has changed the last three
    _libc.prctl(_PR_SET_DUMPABLE, 1, 0, 0, 0)
    _libc.prctl(_PR_SET_PDEATHSIG, ctypes.c_ulong(signal.SIGKILL), 0, 0, 0)
    os.setsid()


def _run_job(steps: list[PlanStep]) -> NoReturn:
    for step in steps:
        try:
            if step.code == Code.SPAWN:
                _spawn(step.numbers)
            else:
                _HANDLERS[step.code](step.texts, step.numbers)
        except OSError as error:
            _fail(step.number, error)
    _fail(len(steps), OSError(8, "the list does not end in a program"))


def _arrange(descriptors: list[int]) -> None:
    """0, 1, 2 and the channel belong to the program. Descriptors that close on exec stay open until then; all
    others are closed."""
    moved = [fcntl.fcntl(item, fcntl.F_DUPFD_CLOEXEC, _HIGH) for item in descriptors]
    os.close(_CONTROL)
    for target in range(3):
        os.dup2(moved[target], target)
    os.dup2(moved[3], _STATUS, inheritable=False)
    if len(descriptors) == 5:
        os.dup2(moved[4], _CHANNEL)
    os.closerange(_STATUS + 1, _KEPT)
    _syscall(_CLOSE_RANGE, _KEPT, 0xFFFFFFFF, _CLOSE_ON_EXEC)
    _state.status = _STATUS


def _read_list(descriptor: int) -> list[PlanStep]:
    with mmap.mmap(descriptor, 0, prot=mmap.PROT_READ) as view:
        return _steps(view[:])


def _start_job(steps: list[PlanStep], descriptors: list[int]) -> int:
    """If memory runs out, programs are killed first: they inherit an OOM score that the slot has only
    during the clone."""
    usual = os.pread(_state.oom, 16, 0)
    os.pwrite(_state.oom, b"1000", 0)
    try:
        init = _syscall(_CLONE, _state.clone_flags | signal.SIGCHLD, 0, 0, 0, 0)
        if init == 0:
            ctypes.pythonapi.PyOS_AfterFork_Child()
            _arrange(descriptors)
            _run_job(steps)
    finally:
        os.pwrite(_state.oom, usual, 0)
    return init


def _end_job(init: int) -> None:
    """With a pid namespace, the whole job dies with its init; without one, the init is asked
    to kill everything."""
    os.kill(init, signal.SIGKILL if _state.clone_flags & _CLONE_NEWPID else signal.SIGTERM)


def _end_orphans() -> None:
    """Without a pid namespace, end the processes of an init that was itself killed: we inherit them."""
    while not _state.clone_flags & _CLONE_NEWPID:
        orphans = Path(f"/proc/self/task/{os.getpid()}/children").read_text().split()
        if not orphans:
            return
        for orphan in orphans:
            os.kill(int(orphan), signal.SIGKILL)
        os.waitpid(-1, 0)


def _leave(init: int) -> NoReturn:
    if init:
        _end_job(init)
        os.waitpid(init, 0)
        _end_orphans()
    for step in _state.at_exit or []:
        with contextlib.suppress(OSError):
            _HANDLERS[step.code](step.texts, step.numbers)
    os._exit(0)


def _answer(control: socket.socket, kind: bytes, first: int = 0, second: int = 0) -> None:
    with contextlib.suppress(OSError):
        control.send(ANSWER.pack(kind, first, second))


def _take_message(control: socket.socket, init: int) -> int:
    message, descriptors, _, _ = socket.recv_fds(control, LONGEST, 6)
    if not message:
        _leave(init)
    if message[:1] == b"K" and init:
        _end_job(init)
    if message[:1] in (b"J", b"M") and len(descriptors) >= 4:
        try:
            if message[:1] == b"M":
                init = _start_job(_read_list(descriptors[0]), descriptors[1:])
            else:
                init = _start_job(_steps(message[1:]), descriptors)
            _answer(control, b"S", init)
        except OSError as error:
            _answer(control, b"F", error.errno or 5)
    for descriptor in descriptors:
        os.close(descriptor)
    return init


def _reap(control: socket.socket, init: int) -> int:
    pid, _, used = os.wait4(init, os.WNOHANG)
    if pid != init:
        return init
    _end_orphans()
    _answer(control, b"E", int(10_000 * (used.ru_utime + used.ru_stime)), used.ru_maxrss)
    return 0


def _serve(control: socket.socket, parent: int) -> NoReturn:
    init = 0
    while True:
        child = os.pidfd_open(init) if init else -1
        watched = [control.fileno(), parent, *([child] if init else [])]
        before = init
        while init == before:
            ready = select.select(watched, [], [])[0]
            if parent in ready:
                _leave(init)
            if child in ready:
                init = _reap(control, init)
            if control.fileno() in ready:
                init = _take_message(control, init)
        if child >= 0:
            os.close(child)


def _set_up(control: socket.socket) -> None:
    _, descriptors, _, _ = socket.recv_fds(control, LONGEST, 6)
    steps = _read_list(descriptors[0])
    os.close(descriptors[0])
    for at, step in enumerate(steps):
        if step.code == Code.ATEXIT:
            _state.at_exit = steps[at + 1 :]
            break
        try:
            _HANDLERS[step.code](step.texts, step.numbers)
        except OSError as error:
            _answer(control, b"F", step.number, error.errno or 5)
            _leave(0)
    _answer(control, b"R")


def main() -> NoReturn:
    os.dup2(int(sys.argv[1]), _CONTROL, inheritable=False)
    os.closerange(_CONTROL + 1, os.sysconf("SC_OPEN_MAX"))
    parent = os.pidfd_open(os.getppid())
    _state.slot = _keep(os.pidfd_open(os.getpid()))
    _state.oom = _keep(os.open("/proc/self/oom_score_adj", os.O_RDWR | os.O_CLOEXEC))
    os.umask(0o022)
    control = socket.socket(fileno=_CONTROL)
    _set_up(control)
    _serve(control, parent)


if __name__ == "__main__":
    main()
