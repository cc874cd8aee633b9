"""Lists which Python names are pure, so that a person can check and extend the lists in one place.

The one rule: a name that is not listed as pure is not pure. A module counts as pure if nothing in it reads
the clock, random numbers, files, the environment or the network, and nothing in it changes state that a later
call can see. Of a module that is pure in parts, the pure members are listed, or the impure ones.
"""

import builtins
import sys

PURE_MODULES = frozenset(
    "__future__ abc array ast base64 binascii bisect calendar cmath codecs collections "
    "collections.abc colorsys contextlib copy csv dataclasses decimal difflib enum errno fnmatch "
    "fractions functools graphlib hashlib heapq hmac html ipaddress itertools json keyword math "
    "ntpath numbers operator posixpath pprint quopri re reprlib shlex stat statistics string "
    "stringprep struct textwrap token tokenize types typing unicodedata urllib.parse xml.sax.saxutils "
    "zlib".split()
)

IMPURE_MEMBERS = {
    "codecs": frozenset("open EncodedFile".split()),
    "contextlib": frozenset("chdir redirect_stdout redirect_stderr".split()),
    "ntpath": frozenset("abspath exists expanduser expandvars realpath isfile isdir".split()),
    "posixpath": frozenset("abspath exists expanduser expandvars realpath isfile isdir".split()),
}
"""Of a pure module, what is not."""

IMPURE_BUILTINS = frozenset(
    "__import__ breakpoint compile credits copyright eval exec exit globals hash help id input license "
    "open quit".split()
)
"""`hash` and `id` differ between processes. What `print` writes does not show in the returned value, which is
all that counts; what `setattr` changes shows when the calls come in another order."""

MODULE_NAMES = frozenset("__file__ __package__ __spec__ __loader__ __builtins__ __path__".split())
_PATHS = "basename commonpath commonprefix dirname isabs join normcase normpath sep altsep split splitext"
PURE_MEMBERS = {
    "builtins": frozenset(dir(builtins)) - IMPURE_BUILTINS - MODULE_NAMES,
    "datetime": frozenset("date datetime time timedelta timezone tzinfo MINYEAR MAXYEAR UTC".split()),
    "io": frozenset("StringIO BytesIO UnsupportedOperation".split()),
    "logging": frozenset("getLogger Logger NullHandler DEBUG INFO WARNING ERROR CRITICAL NOTSET".split()),
    "os": frozenset("path sep altsep linesep pathsep curdir pardir extsep fspath PathLike".split()),
    "os.path": frozenset(_PATHS.split()),
    "pathlib": frozenset("PurePath PurePosixPath PureWindowsPath".split()),
    "queue": frozenset("Queue LifoQueue PriorityQueue SimpleQueue Empty Full".split()),
    "sys": frozenset(
        "maxsize maxunicode byteorder float_info int_info hash_info version_info intern "
        "getrecursionlimit setrecursionlimit exc_info set_int_max_str_digits".split()
    ),
    "threading": frozenset("Lock RLock".split()),
    "uuid": frozenset("UUID NAMESPACE_DNS NAMESPACE_URL uuid3 uuid5".split()),
    "warnings": frozenset("warn catch_warnings simplefilter filterwarnings".split()),
}
"""Of an impure module, what is pure. The effect of a log line, a warning or a lock shows in no value."""

IMPURE_ATTRIBUTES = {
    "datetime": frozenset("today now utcnow fromtimestamp utcfromtimestamp timestamp astimezone".split())
}
"""What reads the clock or the time zone, on an object of the module."""

IMPURE_MODULES = frozenset(
    "_thread asyncio atexit builtins concurrent configparser contextvars ctypes datetime email "
    "faulthandler fcntl fileinput ftplib gc getpass glob http imaplib importlib inspect io locale logging "
    "marshal mmap multiprocessing os pathlib pdb pickle pkgutil platform queue random "
    "resource runpy sched secrets select selectors shelve shutil signal site smtplib socket socketserver "
    "sqlite3 ssl subprocess sys sysconfig tarfile tempfile termios threading time timeit tkinter "
    "traceback tracemalloc unittest urllib uuid warnings weakref webbrowser xmlrpc zipfile".split()
)

PURE_BUILTINS = PURE_MEMBERS["builtins"]


def judge_module(name: str) -> str:
    """`pure`, `impure`, or `foreign` for a module of this or another package, which is neither."""
    if name in PURE_MODULES or (name.split(".")[0] in PURE_MODULES and "." in name):
        return "pure"
    return "impure" if name.split(".")[0] in IMPURE_MODULES else "foreign"


def judge_member(module: str, member: str) -> str:
    """The same of one member of a module; `parse` of `urllib` is judged as `urllib.parse`."""
    whole = judge_module(module)
    if whole == "pure":
        return "impure" if member in IMPURE_MEMBERS.get(module, ()) else "pure"
    if member in PURE_MEMBERS.get(module, ()) or judge_module(f"{module}.{member}") == "pure":
        return "pure"
    return whole


def always_there(module: str) -> bool:
    """Whether every Python has the module: an import of it never fails."""
    top = module.split(".")[0]
    return top in sys.stdlib_module_names and (not top.startswith("_") or top == "__future__")
