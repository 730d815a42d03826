"""Record what a run stood on: software, configuration, inputs with their digests, sheet, git.

Everything outside the block `run` is the same for the same inputs, configuration and software.
"""

import hashlib
import logging
import os
import platform
import subprocess
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import Any, BinaryIO

from immune_reset import tables
from immune_reset.runtime import start

logger = logging.getLogger("write_provenance")

CHUNK = 1 << 20


def digest(stream: BinaryIO) -> tuple[int, str]:
    """Return size in bytes and SHA-256 of a stream, read in pieces of a megabyte."""
    size, sha = 0, hashlib.sha256()
    while piece := stream.read(CHUNK):
        size += len(piece)
        sha.update(piece)
    return size, sha.hexdigest()


def files_of(paths: Iterable[str | Path]) -> list[Path]:
    """Return the files behind `paths`, folders (10x matrices) walked, each once, sorted."""
    found: set[Path] = set()
    for path in map(Path, paths):
        found.update(p for p in path.rglob("*") if p.is_file()) if path.is_dir() else found.add(
            path
        )
    return sorted(found)


def packages() -> dict[str, str]:
    """Return name and version of every installed distribution, sorted by name."""
    found = {d.metadata["Name"].lower(): d.version for d in metadata.distributions()}
    return dict(sorted(found.items()))


def git_state(ask: Callable[[list[str]], str | None]) -> dict[str, Any]:
    """Return commit, branch and whether tracked files differ from it.

    `ask` runs a git command and returns its output, or None where git or the repository is
    absent; then `commit` is None and `note` says so.
    """
    commit = ask(["rev-parse", "HEAD"])
    if commit is None:
        return {"commit": None, "note": "not a git repository, no commit yet, or no git here"}
    changed = ask(["status", "--porcelain", "--untracked-files=no"])
    return {
        "commit": commit,
        "branch": ask(["rev-parse", "--abbrev-ref", "HEAD"]),
        "dirty": None if changed is None else bool(changed),
        "changed_files": sorted(line[3:] for line in (changed or "").splitlines()),
    }


def ask_git(arguments: list[str]) -> str | None:
    """Run git on the workflow's own repository; None where that cannot be done."""
    here = Path(__file__).resolve().parent
    try:
        answer = subprocess.run(
            ["git", "-C", str(here), *arguments], capture_output=True, text=True, check=True
        )
    except (OSError, subprocess.CalledProcessError):
        return None
    return answer.stdout.rstrip("\n")


def provenance(
    *,
    settings: dict[str, Any],
    rows: list[dict[str, Any]],
    inputs: list[dict[str, Any]],
    git: dict[str, Any],
    now: datetime,
) -> dict[str, Any]:
    """Return the record, ready to be written as JSON.

    Blocks: `workflow` (git), `software` (Python, packages), `config` (every leaf key), `samples`
    (the sheet's rows), `inputs` (path, bytes, sha256) and `run` (time and machine; the one block
    that differs between two identical runs).
    """
    return {
        "workflow": git,
        "software": {"python": platform.python_version(), "packages": packages()},
        "config": dict(sorted(settings.items())),
        "samples": rows,
        "inputs": inputs,
        "run": {
            "finished": now.isoformat(timespec="seconds"),
            "system": platform.system(),
            "machine": platform.machine(),
            "cores": os.cpu_count(),
        },
    }


def main(smk) -> None:
    """Snakemake entry point: read, compute, write."""
    start(smk)
    inputs = []
    for path in files_of(smk.input.sources):
        with path.open("rb") as stream:
            size, sha = digest(stream)
        inputs.append({"path": path.as_posix(), "bytes": size, "sha256": sha})
    logger.info("%d input files, %d bytes", len(inputs), sum(i["bytes"] for i in inputs))
    record = provenance(
        settings=dict(smk.params.settings),
        rows=[dict(row) for row in smk.params.rows],
        inputs=inputs,
        git=git_state(ask_git),
        now=datetime.now(UTC),
    )
    tables.write_json(record, smk.output.provenance)


if __name__ == "__main__":
    main(snakemake)
