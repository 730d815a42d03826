"""What made each file, kept beside the results, for the day on which `.snakemake` is lost.

Snakemake notices a changed setting by its own record of each output, in `.snakemake/metadata`.
Where that folder is gone (a purge of scratch, a copy without dot files) it takes every file as it
stands for current. Here its records are copied to `{outdir}/records.json`, and put back where they
are missing. A file without either is given a record that says so, which differs from every setting:
what cannot be shown to be current runs again.
"""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

STORE = "records.json"
LOST = "not known, since the record of this file was lost"
CLOSE = 2.0  # seconds; the coarsest clock of a file system that a copy may pass through


@dataclass(frozen=True)
class Mended:
    """Files whose record was put back, and files that nothing shows to be current."""

    restored: list[str]
    unknown: list[str]

    def said(self, store: str | Path) -> list[str]:
        """Return what a user must know, line by line; nothing where nothing was lost."""
        lines = []
        if self.restored:
            lines.append(
                f"Snakemake's records (.snakemake) of {len(self.restored)} files were gone and "
                f"were put back from {store}."
            )
        if self.unknown:
            some = ", ".join(self.unknown[:3]) + (" ..." if len(self.unknown) > 3 else "")
            lines.append(
                f"{len(self.unknown)} files cannot be shown to be current and are made again, "
                f"since no record fits them: {some}. (snakemake --touch takes them as they are.)"
            )
        return lines


def keep(outputs: Iterable[str], folder: str | Path, own: Any) -> None:
    """Copy Snakemake's records of `outputs` to `folder`/records.json, where they differ from it.

    Parameters
    ----------
    outputs
        Paths of files as the rules name them.
    folder
        Folder of the results.
    own
        Snakemake's file persistence.
    """
    store = Path(folder) / STORE
    before = _read(store)
    now = {path: record for path, record in before.items() if Path(path).exists()}
    for path in outputs:
        record = own._read_record(path)
        if record is not None and record.params != [repr(LOST)] and Path(path).exists():
            now[path] = json.loads(json.dumps(dict(record.items())))
    if now != before:
        _write(now, store)


def mend(outputs: Iterable[str], folder: str | Path, own: Any) -> Mended:
    """Put back what Snakemake has lost of its records of `outputs`.

    A copy counts where its time of the file is the file's. A file that a stopped job left is
    Snakemake's own matter, and passed over. Parameters as in `keep`.
    """
    from snakemake.persistence import RECORD_FORMAT_VERSION, MetadataRecord

    kept, mended = _read(Path(folder) / STORE), Mended([], [])
    there = [path for path in outputs if Path(path).exists()]
    started = own._filter_incomplete_keys(there)
    for path in there:
        record = own._read_record(path)
        if record is not None and record.params == [repr(LOST)]:
            mended.unknown.append(path)
        elif record is None and path not in started:
            copy = kept.get(path)
            if copy is not None and abs((copy["endtime"] or 0) - _time(path)) <= CLOSE:
                own._write_record(path, MetadataRecord(**copy))
                mended.restored.append(path)
            else:
                none = {"params": [repr(LOST)], "record_format_version": RECORD_FORMAT_VERSION}
                own._write_record(path, MetadataRecord(**none))
                mended.unknown.append(path)
    own._clear_cache()
    return mended


def _time(path: str) -> float:
    """Return when the file was last written, as Snakemake takes it."""
    stamp = Path(path) / ".snakemake_timestamp"
    return (stamp if stamp.exists() else Path(path)).lstat().st_mtime


def _read(store: Path) -> dict[str, dict[str, Any]]:
    """Return the copies; none where there is no file, or a broken one."""
    try:
        return json.loads(store.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}


def _write(records: dict[str, dict[str, Any]], store: Path) -> None:
    """Write the copies whole or not at all."""
    partial = store.with_name(f".{store.name}.partial")
    partial.write_text(json.dumps(records, sort_keys=True), encoding="utf-8")
    partial.replace(store)
