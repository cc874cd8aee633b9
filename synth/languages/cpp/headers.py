"""Which headers a C++ program includes first, so that they are read precompiled.

g++ reads one precompiled header, in place of the first header that a file includes, before any code, and
only where no macro of the program could change it. So the precompiled text of several headers lies under the
name of the first of them, and everything else (macros and pragmas before it, conditions, headers that come
later) is g++'s own decision, in favour of the real headers. The one rule: a program's text only chooses among
names that stand here.
"""

import re
from functools import lru_cache
from typing import Final

from synth.languages.spec import Headers

ALL: Final = "bits/stdc++.h"
ALONE: Final = (ALL, "iostream")
"""Precompiled one by one: nothing has to be known of a program that includes one of them first."""
COVERED: Final = frozenset(
    """
    algorithm any array atomic bitset cassert ccomplex cctype cerrno cfenv cfloat chrono cinttypes
    ciso646 climits clocale cmath codecvt complex condition_variable csetjmp csignal cstdalign
    cstdarg cstdbool cstddef cstdint cstdio cstdlib cstring ctgmath ctime cuchar cwchar cwctype
    deque exception forward_list fstream functional future initializer_list iomanip ios iosfwd
    iostream istream iterator limits list locale map memory mutex new numeric optional ostream queue
    random ratio regex scoped_allocator set shared_mutex sstream stack stdexcept streambuf string
    string_view system_error thread tuple type_traits typeindex typeinfo unordered_map unordered_set
    utility valarray variant vector assert.h ctype.h errno.h float.h inttypes.h limits.h locale.h
    setjmp.h signal.h stdarg.h stddef.h stdint.h stdio.h string.h time.h wchar.h wctype.h
    """.split()
)
"""Headers of which `ALL` includes everything, since GCC 8. Not math.h and stdlib.h: they put more names
outside std."""
KNOWN: Final = COVERED | frozenset(
    """
    barrier bit bits/stdc++.h charconv compare concepts coroutine cxxabi.h execution
    ext/pb_ds/assoc_container.hpp ext/pb_ds/priority_queue.hpp ext/pb_ds/tree_policy.hpp ext/rope
    fcntl.h fenv.h filesystem latch math.h memory.h memory_resource numbers ranges semaphore
    source_location span stdlib.h stop_token strings.h sys/resource.h sys/time.h sys/types.h
    syncstream unistd.h version
    """.split()
)
"""All that are precompiled together where programs ask for them."""

_SPACE: Final = r"(?:[ \t\f\v\r\n]|//[^\n]*+(?:\n|\Z)|/\*(?:[^*]|\*(?!/))*+\*/)"
_MACRO: Final = r"#[ \t]*(?:define|undef)[ \t][^\n]*+(?:\n|\Z)"
_LINE: Final = r"#[ \t]*line[ \t]+\d+[ \t]*(?=\n)"
_INCLUDE: Final = r"#[ \t]*include[ \t]*<([\w/+.]+)>[ \t]*(?=//|/\*|\r?\n|\Z)"
_BEFORE: Final = re.compile(rf"(?:{_SPACE}|{_MACRO}|{_LINE})*+")
_NEXT: Final = re.compile(rf"(?:{_SPACE}|{_LINE})*+{_INCLUDE}")
_SPLICE: Final = re.compile(r"\\[ \t\f\v]*\r?\n|\?\?/")
_LONGEST: Final = 4096
"""Characters of a program that are looked at."""


@lru_cache(maxsize=256)
def first_headers(code: str) -> Headers:
    """Where the headers that the program includes first lie precompiled.

    They stand at its beginning, after comments and macros, and follow each other with nothing but comments
    between them. Anything else ends them, and so does a line that is continued on the next one.
    """
    text = code[:_LONGEST]
    spliced = _SPLICE.search(text)
    text = text[: text.rfind("\n", 0, spliced.start()) + 1] if spliced else text
    at = _BEFORE.match(text).end()  # type: ignore[union-attr]  # it matches the empty text
    names: set[str] = set()
    while (found := _NEXT.match(text, at)) and found[1] in KNOWN:
        names.add(found[1])
        at = found.end()
    if ALL in names and names - {ALL} <= COVERED:
        return Headers("all")
    return Headers("first", () if names <= {"iostream"} else tuple(sorted(names)))
