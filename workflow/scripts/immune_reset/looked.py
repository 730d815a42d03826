"""What was looked at and found in order is not looked at again while it stays as it was.

The heads of sixty large samples take a minute to read, and every start of Snakemake, a dry-run too,
would read them. So the state in which they passed is kept as a hash; `make check` reads them anew
each time.
"""

import contextlib
import hashlib
import json
import os
from collections.abc import Iterable
from pathlib import Path

NOTE = ".snakemake/looked_at.json"
"""Beside Snakemake's own records: a folder without them is looked at anew."""

KEPT = 20
"""States that the note holds: of the configurations used last in one folder."""


def state_of(files: Iterable[str | Path], *others: object) -> str:
    """Return a hash of the files' names, sizes and times, and of the `others` in words.

    The time of the last change of a file's entry counts too, which no program can set back.
    """
    states = [(str(path), _state(Path(path))) for path in files]
    return hashlib.sha256(json.dumps([states, repr(others)]).encode()).hexdigest()


def passed(state: str, note: str | Path = NOTE) -> bool:
    """Return whether this state was found in order before."""
    return state in _read(Path(note))


def remember(state: str, note: str | Path = NOTE) -> None:
    """Note that this state is in order; where nothing can be written, nothing is noted."""
    note = Path(note)
    states = [state, *(other for other in _read(note) if other != state)][:KEPT]
    partial = note.with_name(f".{note.name}.{os.getpid()}.partial")
    with contextlib.suppress(OSError):
        note.parent.mkdir(parents=True, exist_ok=True)
        partial.write_text(json.dumps(states), encoding="utf-8")
        partial.replace(note)


def _state(path: Path) -> list[int] | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return [found.st_size, found.st_mtime_ns, found.st_ctime_ns]


def _read(note: Path) -> list[str]:
    try:
        states = json.loads(note.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return []
    return states if isinstance(states, list) else []
