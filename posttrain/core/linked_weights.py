"""The weights of a base in another folder, without their bytes a second time.

Place in the flow: an untrained model -> `link_weights` -> `policy.prepare_base`, which writes another chat
template beside them. The one rule: files are linked as they are, and nothing ever writes to them; where
anything about the weights would change, they are not linked.
"""

import os
from pathlib import Path

from posttrain.core.merging import INDEX, weight_files


def linkable(base: Path) -> list[Path]:
    """The files with the base's weights and their index, if it has them as safetensors; else none."""
    files = weight_files(base)
    if not files or not all(file.is_file() for file in files):
        return []
    return [*files, *(index for index in [base / INDEX] if index.is_file())]


def link_weights(files: list[Path], out: Path) -> None:
    """Put the files into the folder: as hard links, which outlive the removal of the base; as symbolic ones
    on another file system."""
    for file in files:
        whole = file.resolve()  # the hub's cache is links itself
        try:
            os.link(whole, out / file.name)
        except OSError:
            (out / file.name).symlink_to(whole)
