"""Inputs that change while a job reads them: the job must not pass off what it made as theirs."""

from collections.abc import Iterable
from pathlib import Path

from immune_reset.errors import InputError

_seen: dict[Path, tuple[int, int] | None] = {}


def watch(paths: Iterable[str | Path]) -> None:
    """Remember size and time of the files that this job reads, in place of those of another."""
    _seen.clear()
    _seen.update({Path(path): _state(Path(path)) for path in paths})


def check() -> None:
    """Refuse to go on if a watched file is gone or another one than at the start.

    Raises
    ------
    InputError
        Naming the file. Without it the output would be newer than the changed input, and no later
        run would read that again.
    """
    for path, state in _seen.items():
        if _state(path) != state:
            what = "was changed" if path.exists() else "vanished"
            raise InputError(f"{path}: {what} while it was read. Put it in place and run again.")


def _state(path: Path) -> tuple[int, int] | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_size, found.st_mtime_ns
