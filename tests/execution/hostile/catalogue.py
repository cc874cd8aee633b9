"""What must come of each attack in attacks.py, attacks.c and attacks.js, in whatever language it is written.

The one rule: an attack says itself whether it was refused or got through; where it does not come to say so,
it was stopped, and the catalogue says by which limit.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, Literal

from synth.records import Stop

Language = Literal["python", "c", "javascript"]
LANGUAGES: Final[tuple[Language, ...]] = ("python", "c", "javascript")

REFUSED, LEFT = "refused", "left"
"""Something that was tried was refused; or nothing was to be refused, and it is the decoys that show that
nothing came of it."""


@dataclass(frozen=True, slots=True)
class Attack:
    """One property of the sandbox, as an attack on it."""

    name: str
    property: str
    ends: frozenset[str | Stop] = frozenset({REFUSED})
    """How it may end."""
    limits: Mapping[str, float] = field(default_factory=dict)
    works_outside: bool = False
    """Whether it gets through, harmlessly, where nothing isolates: so it is known that it tries what it
    says."""
    languages: tuple[Language, ...] = LANGUAGES


def _attack(name: str, meaning: str, *ends: str | Stop, outside: bool = False, **limits: float) -> Attack:
    return Attack(name, meaning, frozenset(ends or {REFUSED}), limits, outside)


ATTACKS: Final = (
    _attack("read_file_outside", "a file outside cannot be read", outside=True),
    _attack("write_file_outside", "a file outside cannot be changed", outside=True),
    _attack("delete_file_outside", "a file outside cannot be deleted", outside=True),
    _attack("rename_file_outside", "a file outside cannot be renamed", outside=True),
    _attack("create_file_outside", "nothing can be made outside", outside=True),
    _attack("list_folder_outside", "a folder outside cannot be listed", outside=True),
    _attack("follow_link_outside", "a symbolic link leads nowhere outside", outside=True),
    _attack("hard_link_outside", "a file outside cannot be given a second name"),
    _attack("climb_outside", "a path with .. leads nowhere outside", outside=True),
    _attack("root_of_others", "the root and the folder of other processes lead nowhere", outside=True),
    _attack("change_mode_outside", "the mode of a file outside cannot be changed", outside=True),
    _attack("change_times_outside", "the times of a file outside cannot be changed", outside=True),
    _attack("write_system_folders", "nothing can be made in the folders of the system"),
    _attack("make_device", "no device node can be made"),
    _attack("open_devices", "no device can be opened"),
    _attack("become_root", "nobody becomes root"),
    _attack("huge_file", "a file ends at the limit", REFUSED, file_bytes=1 << 20),
    _attack("many_files", "many files cannot fill the disk", REFUSED, Stop.OUTPUT, file_bytes=1 << 20),
    _attack("many_names", "files without content are limited too", REFUSED, Stop.OUTPUT),
    _attack("hide_folders", "deep and closed folders are removed as well", LEFT, Stop.OUTPUT),
    _attack("kill_process_outside", "a process outside cannot be killed", outside=True),
    _attack("signal_supervisor", "the supervisor cannot be signalled", outside=True),
    _attack("kill_everything", "a kill of everything reaches nothing outside", LEFT),
    _attack("kill_init", "the init of the job cannot be killed or stopped", LEFT),
    _attack("read_environment_outside", "no environment but its own can be read", outside=True),
    _attack("read_arguments_outside", "the arguments of a process outside cannot be read", outside=True),
    _attack("read_memory_outside", "the memory of a process outside cannot be opened", outside=True),
    _attack("list_processes", "processes outside are not listed", outside=True),
    _attack("renice_process_outside", "the priority of a process outside cannot be changed", outside=True),
    _attack("pin_process_outside", "a process outside cannot be bound to a processor", outside=True),
    _attack("limit_process_outside", "the limits of a process outside cannot be changed", outside=True),
    _attack("leave_daemon", "a daemon ends with the job", LEFT),
    _attack("hold_output", "a child that holds stdout does not hold us", LEFT),
    _attack(
        "fork_bomb",
        "a fork bomb is stopped",
        Stop.CPU,
        Stop.WALL,
        Stop.MEMORY,
        processes=48,
        cpu_s=0.4,
        wall_s=2,
    ),
    _attack(
        "running_forks", "a process that runs away by forking is caught", LEFT, Stop.CPU, cpu_s=2, wall_s=20
    ),
    _attack("many_threads", "threads end at the limit", REFUSED, LEFT, Stop.MEMORY, processes=48, wall_s=20),
    _attack("many_processes", "processes end at the limit", REFUSED, Stop.MEMORY, processes=48, wall_s=20),
    _attack("zombies", "zombies are reaped", LEFT),
    _attack("stop_oneself", "a program that stops itself ends by the wall", Stop.WALL, wall_s=0.6),
    _attack("sleep_forever", "a program that sleeps ends by the wall", Stop.WALL, wall_s=0.6),
    _attack("ignore_signals", "ignoring every signal does not help", Stop.CPU, cpu_s=0.4, wall_s=20),
    _attack("burn_in_children", "time in children counts as a whole", Stop.CPU, cpu_s=0.4, wall_s=20),
    _attack("memory_bomb", "memory ends at the limit", REFUSED, Stop.MEMORY, memory_mb=128),
    _attack("memory_in_children", "memory in children counts as a whole", Stop.MEMORY, memory_mb=128),
    _attack("shared_memory_bomb", "shared memory ends at the limit", REFUSED, Stop.MEMORY, memory_mb=128),
    _attack("memory_in_files", "files in memory end at the limit", REFUSED, Stop.MEMORY, memory_mb=128),
    _attack("connect_tcp", "a listener on loopback cannot be reached", outside=True),
    _attack("connect_tcp6", "nor one on the loopback of IPv6"),
    _attack("send_udp", "no datagram comes out", outside=True),
    _attack("listen_tcp", "no port can be opened", outside=True),
    _attack("connect_abstract", "an abstract socket of the host cannot be reached", outside=True),
    _attack("connect_path", "a socket in a folder of the host cannot be reached", outside=True),
    _attack("list_interfaces", "the network of the host cannot be looked at", outside=True),
    _attack("other_sockets", "there is no other way to the network"),
    _attack("kernel_settings", "no setting of the kernel can be opened for writing"),
    _attack("raise_limits", "limits cannot be raised"),
    Attack("io_uring", "no ring can be made: calls in it pass no filter", languages=("python", "c")),
    _attack("watch_folder_outside", "a folder outside cannot be watched", outside=True),
    _attack("watch_system", "what the host starts cannot be watched", outside=True),
    _attack("read_network", "the network of the host cannot be read from /proc", outside=True),
    _attack("read_host_settings", "settings and groups of the host are not in /proc", outside=True),
    _attack("leave_shared_memory", "no segment, semaphore or queue is left behind", LEFT),
    _attack("leave_shared_files", "no file is left in the folders that all share", LEFT),
    _attack("make_namespace", "no namespace can be made", Stop.VIOLATION),
    _attack("change_root", "the root cannot be changed", Stop.VIOLATION),
    _attack("output_flood", "endless output is stopped", Stop.OUTPUT, output_bytes=100_000),
    _attack("error_flood", "so is endless output to stderr", Stop.OUTPUT, output_bytes=100_000),
    _attack("crash", "a crash leaves nothing", LEFT),
    _attack("open_everything", "open files end at the limit"),
    _attack("leaked_descriptors", "no descriptor of ours is open inside"),
)

GRAVE_ARGUMENTS: Final[Mapping[str, tuple[int, ...]]] = {
    "init_module": (0, 0, 0),
    "kexec_load": (0, 17, 0, 0),  # more segments than there may be
    "reboot": (0, 0, 0, 0),  # without the magic numbers
    "clone into a new namespace": (0x10000000 | 17, 0, 0, 0, 0),
    "an AF_VSOCK socket": (40, 1, 0),
    "terminal injection by ioctl": (-1, 0x5412, 0),
    "a seccomp listener": (1, 8, 0),
    "unshare": (0x10000000,),
}
"""Arguments with which a call does nothing even where it is allowed. Others are given -1 and no pointers,
which none of them takes."""
