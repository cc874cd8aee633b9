"""Which values a function's own type takes.

The one rule: a domain narrows a shared type and is no type of its own.
"""

from typing import Literal

Domain = Literal["any", "letter", "natural"] | tuple["Domain", ...]
"""Which values of a shared type the function's own type takes: texts of one letter (`char`), integers that
are not negative (`unsigned`). It holds for the items of lists too; several are those of the keys and the
values of a map, or of the items of a tuple."""
