"""Record what a run stood on: software, configuration, inputs with their digests, sheet, git.

Everything outside the block `run` is the same for the same inputs, configuration and software.
"""

import csv
import logging
import os
import platform
import subprocess
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import Any

from immune_reset import tables
from immune_reset.runtime import start

logger = logging.getLogger("write_provenance")

EXECUTORS = {"SLURM_JOB_ID": "Slurm", "LSB_JOBID": "LSF", "SGE_TASK_ID": "Grid Engine"}


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


def executor(environment: Mapping[str, str]) -> str:
    """Return what ran this job: a cluster, told by the variables that it sets, or "local"."""
    return next((name for key, name in EXECUTORS.items() if key in environment), "local")


def spent(rows: Iterable[tuple[str, float, float | None]]) -> list[dict[str, Any]]:
    """Return what each rule took: jobs, seconds in all, longest job, and peak memory in MB.

    `rows` are (rule, seconds, peak memory or None), one per job; a job too short to be sampled
    has no memory. Rules in order of their seconds, the longest first.
    """
    by_rule: dict[str, list[tuple[float, float | None]]] = {}
    for rule, seconds, memory in rows:
        by_rule.setdefault(rule, []).append((seconds, memory))
    found = [
        {
            "rule": rule,
            "jobs": len(jobs),
            "seconds": round(sum(seconds for seconds, _ in jobs), 1),
            "longest": round(max(seconds for seconds, _ in jobs), 1),
            "max_rss_mb": max((m for _, m in jobs if m is not None), default=None),
        }
        for rule, jobs in by_rule.items()
    ]
    return sorted(found, key=lambda row: (-row["seconds"], row["rule"]))


def benchmark_row(path: Path, text: str) -> tuple[str, float, float | None]:
    """Return (rule, seconds, peak memory) of a benchmark file, <rule>.tsv or <rule>/<name>.tsv."""
    row = next(csv.DictReader(text.splitlines(), delimiter="\t"))
    memory = row.get("max_rss", "NA")
    numeric = memory.replace(".", "", 1).isdigit()
    return path.parts[0].removesuffix(".tsv"), float(row["s"]), float(memory) if numeric else None


def provenance(
    *,
    settings: dict[str, Any],
    rows: list[dict[str, Any]],
    inputs: list[dict[str, Any]],
    git: dict[str, Any],
    rules: list[dict[str, Any]],
    now: datetime,
) -> dict[str, Any]:
    """Return the record, ready to be written as JSON.

    Blocks: `workflow` (git), `software` (Python, packages), `config` (every leaf key), `samples`
    (the sheet's rows), `inputs` (path, bytes, sha256) and `run` (time, machine, executor, and what
    every rule took when it last ran; the one block that differs between two identical runs).
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
            "executor": executor(os.environ),
            "rules": rules,
        },
    }


def main(smk) -> None:
    """Snakemake entry point: read, compute, write."""
    start(smk)
    folder = Path(smk.params.benchmarks)
    texts = {path: path.read_text(encoding="utf-8") for path in sorted(folder.rglob("*.tsv"))}
    rows = [benchmark_row(path.relative_to(folder), text) for path, text in texts.items()]
    record = provenance(
        settings=dict(smk.params.settings),
        rows=[dict(row) for row in smk.params.rows],
        inputs=tables.read_json(smk.input.inputs),
        git=git_state(ask_git),
        rules=spent(rows),
        now=datetime.now(UTC),
    )
    logger.info("%d jobs of %d rules", len(rows), len(record["run"]["rules"]))
    tables.write_json(record, smk.output.provenance)


if __name__ == "__main__":
    main(snakemake)
