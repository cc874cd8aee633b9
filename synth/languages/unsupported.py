"""What a language says of types that it does not have; `spec` gives the name to everyone else."""


class UnsupportedType(ValueError):
    """A signature that a statically typed language cannot express, for example `any` in C++."""
