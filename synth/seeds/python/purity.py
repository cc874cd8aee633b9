"""Lists which Python names are pure, so that a person can check and extend the lists in one place.

The one rule: a name that is not listed as pure is not pure. A module counts as pure if nothing in it reads
the clock, random numbers, files, the environment or the network, and nothing in it changes state that a later
call can see.
"""

import builtins

PURE_MODULES = frozenset(
    "__future__ abc array ast base64 binascii bisect calendar cmath collections collections.abc colorsys "
    "copy dataclasses decimal difflib enum fnmatch fractions functools graphlib hashlib heapq html "
    "ipaddress itertools json keyword math numbers operator re shlex "
    "statistics string struct textwrap token tokenize types typing unicodedata urllib.parse zlib".split()
)

IMPURE_MODULES = frozenset(
    "_thread asyncio atexit builtins concurrent configparser contextvars csv ctypes datetime email errno "
    "faulthandler fcntl fileinput ftplib gc getpass glob http imaplib importlib inspect io locale logging "
    "marshal mmap multiprocessing os pathlib pdb pickle pkgutil platform posixpath pprint queue random "
    "resource runpy sched secrets select selectors shelve shutil signal site smtplib socket socketserver "
    "sqlite3 ssl stat subprocess sys sysconfig tarfile tempfile termios threading time timeit tkinter "
    "traceback tracemalloc unittest urllib uuid warnings weakref webbrowser xmlrpc zipfile".split()
)

IMPURE_BUILTINS = frozenset(
    "__import__ breakpoint compile credits copyright delattr dir eval exec exit globals hash help id "
    "input license locals memoryview open "
    "print quit setattr vars".split()
)
"""`hash` and `id` differ between processes; the effect of `print` does not show in the returned value."""

MODULE_NAMES = frozenset(
    "__name__ __file__ __doc__ __package__ __spec__ __loader__ __builtins__ __path__ __debug__".split()
)
PURE_BUILTINS = frozenset(dir(builtins)) - IMPURE_BUILTINS - MODULE_NAMES


def judge_module(name: str) -> str:
    """`pure`, `impure`, or `foreign` for a module of this or another package, which is neither."""
    if name in PURE_MODULES or (name.split(".")[0] in PURE_MODULES and "." in name):
        return "pure"
    return "impure" if name.split(".")[0] in IMPURE_MODULES else "foreign"
