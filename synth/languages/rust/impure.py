"""What Rust programs call that gives another answer at another time. The runs see the order of maps."""

from typing import Final

IMPURE: Final = {
    "chance": ("rand::", "thread_rng", "RandomState", "SmallRng", "StdRng"),
    "the clock": ("SystemTime", "Instant", "sleep("),
    "threads": ("thread::", "mpsc", "rayon", "Mutex", "RwLock", "AtomicUsize"),
    "files": ("std::fs", "fs::", "File::"),
    "its input": ("stdin(", "io::stdin"),
    "the environment": ("std::env", "env::", "process::"),
    "the network": ("TcpStream", "TcpListener", "UdpSocket", "std::net"),
}
