"""Fit memory and time of every rule to finished runs, and say what to ask a cluster for.

    python benchmarks/fit_resources.py results_of_a.yaml results_of_b.yaml [--yaml]

Each argument is the configuration file of a finished run; Snakemake is asked for its jobs, and
every job's benchmark file (peak memory, seconds) is set against the size of its inputs. Runs of
different size tell more than many of one size. Without --yaml a table; with it, the lines for
`set-resources:` of a profile.
"""

import argparse
import csv
import math
import sys
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from snakemake.api import SnakemakeApi
from snakemake.logging import logger
from snakemake.settings.types import (
    ConfigSettings,
    DAGSettings,
    ExecutionSettings,
    OutputSettings,
    Quietness,
    ResourceSettings,
)

ROOT = Path(__file__).resolve().parents[1]
MARGIN = 1.3
OVERHEAD_MB = 300
"""Two Snakemakes of 120 MB each stand beside the script in a Slurm job, and some slack."""
SPREAD, SPREAD_MB = 2.0, 1.0
"""Largest over, and above, smallest input from which a slope is taken; else all is floor."""


@dataclass(frozen=True)
class Measured:
    """One finished job: its rule, size of its inputs, peak memory (MB) and seconds."""

    rule: str
    input_mb: float
    rss_mb: float
    seconds: float


@dataclass(frozen=True)
class Fit:
    """What a rule needs: `floor` at no input, and `factor` for each MB of input."""

    n: int
    floor: float
    factor: float

    def at(self, input_mb: float) -> float:
        """Return the need at that size of the inputs."""
        return self.floor + self.factor * input_mb


def line_above(sizes: Sequence[float], values: Sequence[float]) -> Fit:
    """Return the least-squares line (slope not below nought), raised until no value is above it.

    With inputs of about one size (see `SPREAD`) the slope is nought: it would be guessed.
    """
    x, y = np.asarray(sizes, float), np.asarray(values, float)
    slope = 0.0
    if len(x) > 1 and x.max() >= max(SPREAD * x.min(), x.min() + SPREAD_MB):
        slope = max(0.0, float(np.polyfit(x, y, 1)[0]))
    return Fit(len(x), float((y - slope * x).max()), slope)


def measured(configfile: Path) -> list[Measured]:
    """Return the finished jobs of the run that `configfile` describes.

    Paths in it are taken from the folder in which this program is run, as by Snakemake.
    """
    found, here = [], Path.cwd()
    with SnakemakeApi(OutputSettings(quiet={Quietness.ALL}, dryrun=True)) as api:
        workflow = api.workflow(
            resource_settings=ResourceSettings(cores=1),
            config_settings=ConfigSettings(configfiles=[configfile.resolve()]),
            snakefile=ROOT / "Snakefile",
            workdir=here,
        )
        dag = workflow.dag(DAGSettings())
        for handler in list(logger.handlers):  # what a dry run would print
            logger.removeHandler(handler)
        dag.execute_workflow(executor="dryrun", execution_settings=ExecutionSettings(lock=False))
        for job in workflow._workflow.dag.jobs:
            if job.benchmark and Path(job.benchmark).is_file():
                files = [path for path in map(Path, map(str, job.input)) if path.exists()]
                size = sum(path.stat().st_size for path in files) / 1e6
                found += rows_of(Path(job.benchmark), job.rule.name, size)
    return found


def rows_of(path: Path, rule: str, input_mb: float) -> list[Measured]:
    """Return the rows of a benchmark file; a job too short to be sampled has no memory (0)."""
    with path.open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file, delimiter="\t"))
    memory = [0.0 if row["max_rss"] in {"NA", "-"} else float(row["max_rss"]) for row in rows]
    return [
        Measured(rule, input_mb, rss, float(row["s"]))
        for row, rss in zip(rows, memory, strict=True)
    ]


def needs(jobs: Iterable[Measured]) -> dict[str, tuple[Fit, Fit]]:
    """Return {rule: (memory in MB, time in minutes)}, with `MARGIN` and, for memory, overhead."""
    by_rule = defaultdict(list)
    for job in jobs:
        by_rule[job.rule].append(job)
    fitted = {}
    for rule, own in sorted(by_rule.items()):
        sizes = [job.input_mb for job in own]
        memory = line_above(sizes, [job.rss_mb for job in own])
        time = line_above(sizes, [job.seconds / 60 for job in own])
        floor = math.ceil((memory.floor * MARGIN + OVERHEAD_MB) / 100) * 100
        fitted[rule] = (
            Fit(memory.n, floor, math.ceil(memory.factor * MARGIN)),
            Fit(time.n, max(1, math.ceil(time.floor * MARGIN)), time.factor * MARGIN),
        )
    return fitted


def table(fitted: dict[str, tuple[Fit, Fit]]) -> str:
    """Return the needs as text, one rule a line."""
    lines = [
        f"{'rule':22} {'jobs':>4}  mem_mb = floor + factor x MB    minutes = floor + factor x MB"
    ]
    for rule, (memory, time) in fitted.items():
        lines.append(
            f"{rule:22} {memory.n:4d}  {memory.floor:7.0f} + {memory.factor:4.0f}"
            f"                    {time.floor:4.0f} + {time.factor:.3f}"
        )
    return "\n".join(lines) + "\n"


def profile_lines(fitted: dict[str, tuple[Fit, Fit]]) -> str:
    """Return the needs as the section `set-resources:` of a profile, grown with each attempt."""
    lines = ["set-resources:"]
    for rule, (memory, time) in fitted.items():
        lines += [
            f"  {rule}:",
            f'    mem_mb: "({memory.floor:.0f} + {memory.factor:.0f} * input.size_mb) * attempt"',
            f'    runtime: "({time.floor:.0f} + {time.factor:.3f} * input.size_mb) * attempt"',
        ]
    return "\n".join(lines) + "\n"


def main() -> None:
    """Read the runs named on the command line and print what their jobs needed."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("configs", nargs="+", type=Path, help="configuration of a finished run")
    parser.add_argument("--yaml", action="store_true", help="print lines for a profile")
    given = parser.parse_args()
    fitted = needs([job for path in given.configs for job in measured(path)])
    sys.stdout.write(profile_lines(fitted) if given.yaml else table(fitted))


if __name__ == "__main__":
    main()
