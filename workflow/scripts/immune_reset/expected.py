"""How large a job's inputs are, or will be: what its memory and time are asked by."""

from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path

GROWTH = 2.5
"""Size of counts.h5ad over that of the matrix that it was read from: 1.8 to 2.2 were seen."""


def expected_mb(files: Iterable[str], matrices: Mapping[str, str]) -> float:
    """Return the size of `files` in MB, those that do not exist yet estimated.

    On a cluster the jobs of a group are sent together, before the first has made what the next
    reads. Then `samples/<sample>/counts.h5ad` counts for `GROWTH` times the sample's matrix
    (`matrices`: {sample: file or folder}), and a table for nothing: the smallest request covers it.
    """
    size = 0.0
    for path in map(Path, files):
        if path.exists():
            size += path.stat().st_size
        elif path.name == "counts.h5ad":
            size += GROWTH * _size(matrices.get(path.parent.name, ""))
    return size / 1e6


@cache
def _size(place: str) -> float:
    """Return the bytes of a file or of the files of a folder; 0 where there is nothing yet."""
    path = Path(place or "none")
    parts = path.iterdir() if path.is_dir() else [path]
    return float(sum(part.stat().st_size for part in parts if part.is_file()))
