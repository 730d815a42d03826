"""What stopped a run, in the words of the jobs' own logs."""

from pathlib import Path

from immune_reset.runtime import UNCAUGHT

MARK = " CRITICAL root: "


def faults(folder: str | Path, since: float) -> list[str]:
    """Return what the jobs that failed after `since` (seconds of the epoch) say, one line each.

    `folder` holds the logs. An input that was refused gives its message; any other error the name
    of the log that has the traceback.
    """
    logs = [path for path in Path(folder).rglob("*.log") if path.stat().st_mtime >= since]
    found = []
    for path in sorted(logs):
        lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
        for line in lines:
            _, mark, message = line.partition(MARK)
            if mark:
                found.append(f"{path}: {message}" if message == UNCAUGHT else message)
    return list(dict.fromkeys(found))
