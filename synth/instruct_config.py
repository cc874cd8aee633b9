"""The forms in which a task asks for a function."""

from typing import Literal

Shape = Literal["plain", "docstring", "request", "story", "stub", "brief"]
"""`plain` is the prompt `solve`; the others are its variants of that name."""
