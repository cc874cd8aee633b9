"""The error of a row that cannot be judged.

Place in the flow: raised by everything that reads rows. The one rule: it is known before anything runs.
"""

from synth.errors import UserError

PAGE = "docs/architecture/verify.md"


class RowError(UserError):
    """A row that cannot be judged, no matter what its program does."""
