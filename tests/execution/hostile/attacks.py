"""Hostile programs in Python, one function each; attacks.c and attacks.js have functions of the same names,
and catalogue.py says what must come of them. It runs in the sandbox: `attacks.py NAME MARK` with its targets
on stdin, one `name=value` a line.

The one rule: targets are decoys that the test made, and no call could change a setting of the machine even if
it went through.
"""
# ruff: noqa: PTH101, PTH102, PTH104, PTH108, PTH116, PTH123, PTH208, PTH211
# As near to the system calls as Python goes.

import ctypes
import fcntl
import functools
import mmap
import os
import resource
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable
from itertools import count

TARGETS = dict(line.rstrip("\n").split("=", 1) for line in sys.stdin)
DECOY, FOLDER, MARK = TARGETS["decoy"], TARGETS["folder"], sys.argv[2]
VICTIM, SUPERVISOR = int(TARGETS["victim"]), int(TARGETS["supervisor"])
BLOCKS: list[mmap.mmap] = []
libc = ctypes.CDLL(None, use_errno=True)


def say(text: str) -> None:
    os.write(1, f"{text}\n".encode())


def attempt(what: str, act: Callable[[], object]) -> bool:
    """Try, and say how it went. What gives False was of no use."""
    try:
        if act() is False:
            raise OSError(0, "to no effect")
    except OSError as error:
        say(f"refused {what}: {error.strerror}")
        return False
    say(f"REACHED {what}")
    return True


def in_vain(act: Callable[..., object], *arguments: object) -> Callable[[], bool]:
    """Even where the call goes through, it must have done nothing: that is seen from outside."""

    def run() -> bool:
        act(*arguments)
        return False

    return run


def each(names: str, act: Callable[[str], object]) -> None:
    """Try with each of some words."""
    for name in names.split(" "):
        attempt(name, lambda name=name: act(name))  # type: ignore[misc]


def call(number: int, *arguments: int) -> int:
    answer = int(libc.syscall(number, *map(ctypes.c_long, arguments)))
    if answer < 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    return answer


def read(path: str) -> bool:
    with open(path, "rb") as file:
        return bool(file.read(100))


def write(path: str, flags: int = 0) -> None:
    descriptor = os.open(path, os.O_WRONLY | flags, 0o644)
    os.write(descriptor, b"changed")
    os.close(descriptor)


# --- files ---


def read_file_outside() -> None:
    attempt("its content", lambda: read(DECOY))


def write_file_outside() -> None:
    attempt("its content", lambda: write(DECOY))
    attempt("its length", lambda: os.truncate(DECOY, 0))


def delete_file_outside() -> None:
    attempt("the file", lambda: os.unlink(DECOY))


def rename_file_outside() -> None:
    attempt("the file", lambda: os.rename(DECOY, f"{DECOY}.moved"))


def create_file_outside() -> None:
    attempt("a new file", lambda: write(f"{FOLDER}/planted", os.O_CREAT))
    attempt("a new folder", lambda: os.mkdir(f"{FOLDER}/planted-folder"))


def list_folder_outside() -> None:
    attempt("the names", lambda: len(os.listdir(FOLDER)) > 0)


def follow_link_outside() -> None:
    os.symlink(DECOY, "link")
    attempt("the content", lambda: read("link"))
    attempt("a change", lambda: write("link"))


def hard_link_outside() -> None:
    def link() -> bool:
        os.link(DECOY, "hard")
        return read("hard")

    attempt("a second name", link)


def climb_outside() -> None:
    attempt("the content", lambda: read("../" * 40 + DECOY.lstrip("/")))


def root_of_others() -> None:
    for pid in ("1", "self", str(os.getppid()), str(VICTIM)):
        each("root cwd", lambda way, pid=pid: read(f"/proc/{pid}/{way}{DECOY}"))  # type: ignore[misc]


def change_mode_outside() -> None:
    def change() -> bool:
        os.chmod(DECOY, 0o600)
        return os.stat(DECOY).st_mode & 0o777 == 0o600

    attempt("its mode", change)


def change_times_outside() -> None:
    def change() -> bool:
        os.utime(DECOY, (1, 1))
        return os.stat(DECOY).st_mtime == 1

    attempt("its times", change)


def write_system_folders() -> None:
    each("/usr/lib/ /bin/ /etc/ /dev/ /proc/ /", lambda folder: write(folder + MARK, os.O_CREAT))


def make_device() -> None:
    attempt("a disk", lambda: os.mknod("disk", 0o60666, os.makedev(254, 0)))
    attempt("memory", lambda: os.mknod("memory", 0o20666, os.makedev(1, 1)))


def open_devices() -> None:
    names = "mem kmsg sda vda kvm fuse tty ptmx loop0 loop-control net/tun"
    each(names, lambda name: os.open(f"/dev/{name}", os.O_RDONLY | os.O_NONBLOCK))


def become_root() -> None:
    attempt("the user", lambda: os.setresuid(0, 0, 0))
    attempt("the group", lambda: os.setresgid(0, 0, 0))
    attempt("the groups", lambda: os.setgroups([0]))


def fill(path: str, megabytes: int) -> None:
    with open(path, "wb", 0) as file:
        for _ in range(megabytes):
            file.write(b"x" * (1 << 20))


def huge_file() -> None:
    attempt("64 MiB in a file", lambda: fill("huge", 64))


def fill_many(names: str, files: int, megabytes: int) -> None:
    for index in range(files):
        fill(f"{names}{index}", megabytes)


def many_files() -> None:
    attempt("1000 MiB in files", lambda: fill_many("file", 1000, 1))


def many_names() -> None:
    attempt("100000 files", lambda: fill_many("name", 100_000, 0))


def hide_folders() -> None:
    os.mkdir("closed", 0)
    os.symlink("/", "link")
    os.mkfifo("pipe")
    for _ in range(2500):
        os.mkdir("deep")
        os.chdir("deep")
    say("done")


# --- processes ---


def kill_process_outside() -> None:
    attempt("the process", lambda: os.kill(VICTIM, signal.SIGKILL))
    attempt("its group", lambda: os.killpg(VICTIM, signal.SIGKILL))


def signal_supervisor() -> None:
    attempt("the supervisor", lambda: os.kill(SUPERVISOR, 0))


def kill_everything() -> None:
    attempt("all", in_vain(os.kill, -1, signal.SIGKILL))


def kill_init() -> None:
    for number in (signal.SIGKILL, signal.SIGTERM, signal.SIGSTOP):
        attempt(number.name, in_vain(os.kill, os.getppid(), number))
    time.sleep(0.1)


def read_environment_outside() -> None:
    each(f"{VICTIM} {os.getppid()} 1", lambda pid: read(f"/proc/{pid}/environ"))
    attempt("what was not given", lambda: bool(set(os.environ) - {"PATH", "LANG", "LC_CTYPE"}))


def read_arguments_outside() -> None:
    attempt("the arguments", lambda: read(f"/proc/{VICTIM}/cmdline"))


def read_memory_outside() -> None:
    pids = f"{VICTIM} {os.getppid()}"
    each(pids, lambda pid: os.open(f"/proc/{pid}/mem", os.O_RDWR))
    each(pids, lambda pid: read(f"/proc/{pid}/maps"))
    each(pids, lambda pid: os.listdir(f"/proc/{pid}/fd"))


def list_processes() -> None:
    attempt("the process", lambda: str(VICTIM) in os.listdir("/proc"))


def renice_process_outside() -> None:
    attempt("its priority", lambda: os.setpriority(os.PRIO_PROCESS, VICTIM, 19))


def pin_process_outside() -> None:
    attempt("its processors", lambda: os.sched_setaffinity(VICTIM, {0}))


def limit_process_outside() -> None:
    attempt("its limits", lambda: resource.prlimit(VICTIM, resource.RLIMIT_NOFILE, (7, 7)))


def leave_daemon() -> None:
    if os.fork() == 0:
        os.setsid()
        if os.fork() == 0:
            for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
                signal.signal(number, signal.SIG_IGN)
            time.sleep(600)
        os._exit(0)
    os.wait()
    say("left")


def hold_output() -> None:
    if os.fork() == 0:
        time.sleep(600)
    say("left")


def fork_bomb() -> None:
    while True:
        try:
            os.fork()
        except OSError:
            continue


def running_forks() -> None:
    if os.fork() == 0:
        while True:
            try:
                if os.fork():
                    os._exit(0)
            except OSError:
                continue
    say("left")


def many_threads() -> None:
    def start() -> None:
        for _ in range(500):
            try:
                threading.Thread(target=time.sleep, args=(60,), daemon=True).start()
            except RuntimeError as error:
                raise OSError(11, str(error)) from error

    attempt("500 threads", start)


def many_processes() -> None:
    def start() -> None:
        for _ in range(2000):
            if os.fork() == 0:
                time.sleep(60)
                os._exit(0)

    attempt("2000 processes", start)


def zombies() -> None:
    for _ in range(20):
        if os.fork() == 0:
            os._exit(0)
    time.sleep(0.1)
    say("made")


def stop_oneself() -> None:
    os.kill(os.getpid(), signal.SIGSTOP)


def sleep_forever() -> None:
    time.sleep(600)


def ignore_signals() -> None:
    for number in range(1, 65):
        try:
            signal.signal(number, signal.SIG_IGN)
        except (OSError, ValueError):
            continue
    while True:
        pass


def burn_in_children() -> None:
    for _ in range(3):
        os.fork()
    while True:
        pass


def memory_bomb() -> None:
    blocks = []
    try:
        while True:
            blocks.append(b"x" * (1 << 22))
    except MemoryError:
        blocks.clear()
        say("refused more")


def memory_in_children() -> None:
    for _ in range(2):
        os.fork()
    block = b"x" * (48 << 20)
    time.sleep(600 + len(block) % 2)


def shared_memory_bomb() -> None:
    def fill_memory() -> None:
        while True:
            BLOCKS.append(mmap.mmap(-1, 1 << 24))
            for at in range(0, 1 << 24, 4096):
                BLOCKS[-1][at] = 1

    attempt("endless memory", fill_memory)


def memory_in_files() -> None:
    def fill_files() -> None:
        while True:
            descriptor = os.memfd_create("x")
            for _ in range(8):
                os.write(descriptor, b"x" * (1 << 20))

    attempt("endless files in memory", fill_files)


# --- network ---


def connect(family: int, address: object, kind: int = socket.SOCK_STREAM) -> None:
    with socket.socket(family, kind) as made:
        made.settimeout(2)
        made.connect(address)  # type: ignore[arg-type]
        made.send(b"reached")


def connect_tcp() -> None:
    attempt("the listener", lambda: connect(socket.AF_INET, ("127.0.0.1", int(TARGETS["tcp"]))))


def connect_tcp6() -> None:
    attempt("the listener", lambda: connect(socket.AF_INET6, ("::1", int(TARGETS["tcp6"]))))


def send_udp() -> None:
    attempt(
        "the listener", lambda: connect(socket.AF_INET, ("127.0.0.1", int(TARGETS["udp"])), socket.SOCK_DGRAM)
    )


def listen_tcp() -> None:
    attempt("a port", lambda: socket.create_server(("127.0.0.1", 0)))


def connect_abstract() -> None:
    attempt("the listener", lambda: connect(socket.AF_UNIX, f"\0{TARGETS['abstract']}".ljust(108, "\0")))


def connect_path() -> None:
    attempt("the listener", lambda: connect(socket.AF_UNIX, TARGETS["socket"]))


def list_interfaces() -> None:
    attempt("routing messages", lambda: socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 0))


def other_sockets() -> None:
    for family, kind in (
        (socket.AF_PACKET, socket.SOCK_RAW),
        (socket.AF_INET, socket.SOCK_RAW),
        (socket.AF_ALG, socket.SOCK_SEQPACKET),
    ):
        attempt(f"family {family}", functools.partial(socket.socket, family, kind))


# --- the kernel ---


def kernel_settings() -> None:
    names = (
        "sys/kernel/core_pattern sys/kernel/hostname sys/vm/drop_caches sysrq-trigger self/uid_map "
        "self/oom_score_adj 1/oom_score_adj"
    )
    each(names, lambda name: os.open(f"/proc/{name}", os.O_WRONLY))


def raise_limits() -> None:
    for kind in (resource.RLIMIT_NPROC, resource.RLIMIT_NOFILE, resource.RLIMIT_FSIZE, resource.RLIMIT_CPU):
        try:
            resource.setrlimit(kind, (1 << 40, 1 << 40))
        except ValueError:
            say(f"refused limit {kind}")
        else:
            say(f"REACHED limit {kind}")


def io_uring() -> None:
    attempt("a ring", lambda: call(425, 1, ctypes.addressof(ctypes.create_string_buffer(256))))


def watch_folder_outside() -> None:
    watcher = libc.inotify_init()
    attempt("the folder", lambda: libc.inotify_add_watch(watcher, FOLDER.encode(), 0xFFF) >= 0)


def watch_system() -> None:
    watcher = libc.inotify_init()
    attempt("its programs", lambda: libc.inotify_add_watch(watcher, b"/usr/bin", 0xFFF) >= 0)
    folder = os.open("/usr/bin", os.O_RDONLY)
    attempt("by signals", lambda: fcntl.fcntl(folder, fcntl.F_NOTIFY, 0x3F))


def holds(path: str, word: str) -> bool:
    with open(path) as file:
        return word in file.read()


def read_network() -> None:
    shown = {"tcp": f":{int(TARGETS['tcp']):04X}", "unix": TARGETS["abstract"], "fib_trie": " 127.0.0.0"}
    for own in ("self", "thread-self", f"self/task/{os.getpid()}"):
        for name, word in shown.items():
            path = f"/proc/{own}/net/{name}"
            attempt(path, functools.partial(holds, path, word))


def has_group() -> bool:
    with open("/proc/self/cgroup") as file:
        return any(not line.rstrip().endswith(":/") for line in file)


def read_host_settings() -> None:
    each("cmdline config.gz", lambda name: read(f"/proc/{name}"))
    attempt("its groups", has_group)
    attempt("its mounts", lambda: holds("/proc/self/mountinfo", TARGETS["folder"]))


def leave_shared_memory() -> None:
    attempt("a segment", lambda: libc.shmget(4711, 4096, 0o1600) >= 0 and False)
    attempt("semaphores", lambda: libc.semget(4711, 1, 0o1600) >= 0 and False)
    attempt("a queue", lambda: libc.msgget(4711, 0o1600) >= 0 and False)


def leave_shared_files() -> None:
    each("/dev/shm/ /tmp/ /var/tmp/ /dev/mqueue/", lambda folder: in_vain(write, folder + MARK, os.O_CREAT)())


def make_namespace() -> None:
    attempt("a namespace", lambda: call(272 if os.uname().machine == "x86_64" else 97, 0x10000000))


def change_root() -> None:
    attempt("another root", lambda: os.chroot("."))


def forbidden_call() -> None:
    """With harmless arguments, from the test."""
    attempt("an answer", lambda: call(*map(int, TARGETS["call"].split())))


# --- output ---


def output_flood() -> None:
    while True:
        os.write(1, b"x" * 65536)


def error_flood() -> None:
    while True:
        os.write(2, b"x" * 65536)


def crash() -> None:
    os.abort()


def open_everything() -> None:
    attempt("endless files", lambda: [os.open("/dev/null", os.O_RDONLY) for _ in count()])


def leaked_descriptors() -> None:
    each(" ".join(map(str, range(3, 1024))), lambda descriptor: os.fstat(int(descriptor)))


def main() -> None:
    say("begin")
    globals()[sys.argv[1]]()
    say("end")


main()
