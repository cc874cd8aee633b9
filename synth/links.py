"""Whether a file of a folder is in that folder: symbolic links can put any file of the machine there.

The one rule: a path that a person names is followed; what is found by listing a folder is not followed out
of it.
"""

from pathlib import Path


def leads_out(path: Path, folder: Path) -> bool:
    """Whether the file lies outside the folder, or outside the hub's cache of one repository if the folder is
    a snapshot there: its files are links into the folder `blobs` beside it."""
    root = folder.resolve()
    if root.parent.name == "snapshots" and (root.parent.parent / "blobs").is_dir():
        root = root.parent.parent
    try:
        return not path.resolve(strict=True).is_relative_to(root)
    except (OSError, RuntimeError):
        return True  # a loop, or a link to nothing


def links_out(folder: Path) -> list[Path]:
    """All files and folders below the folder that are links out of it, sorted."""
    return sorted(path for path in folder.rglob("*") if path.is_symlink() and leads_out(path, folder))
