"""One wire text for each value: maps are sorted by their keys' text, so outputs of different languages can be
compared as strings."""

from synth.values import Value, decode, encode


def canonical_output(output: str) -> str:
    """The wire text with each map's entries sorted by their keys' wire text. Raises ValueSyntaxError."""
    return encode(_sorted(decode(output))) if "m" in output else output


def _sorted(value: Value) -> Value:
    if isinstance(value, dict):
        return {key: _sorted(value[key]) for key in sorted(value, key=encode)}
    if isinstance(value, list):
        return [_sorted(item) for item in value]
    return tuple(_sorted(item) for item in value) if isinstance(value, tuple) else value
