"""Folders of tests that another user has to reach."""

import os
import stat
from pathlib import Path

_ALL_MAY_PASS = stat.S_IRWXU | stat.S_IRGRP | stat.S_IXGRP | stat.S_IROTH | stat.S_IXOTH


def open_to_others(folder: Path) -> None:
    """Let every user list the folder, and reach it through those of its parents that are ours."""
    for one in (folder, *folder.parents):
        found = one.stat()
        if found.st_uid == os.geteuid() and not found.st_mode & stat.S_IXOTH:
            one.chmod(_ALL_MAY_PASS)
