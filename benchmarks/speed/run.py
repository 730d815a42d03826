"""The workflow beside what people would run instead, on the same simulated cohorts.

`python benchmarks/speed/run.py` simulates cohorts of 16,000 and 100,000 cells with contigs, runs
the workflow and the peers one after the other on this machine, and writes docs/performance.md and
its pictures. `--cells 1000000` runs the large cohort, the workflow alone. Peers: a script of
scanpy's and scirpy's tutorials, scranpy, and Seurat where R has it. What every program took is kept
in `runs.json` of `--folder`, so that a size can be added later; `--page` writes the page alone.
"""

import argparse
import gzip
import json
import os
import platform
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path

import pandas as pd
import yaml
from page import write_page
from sklearn.metrics import adjusted_rand_score
from startup import seconds

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from reruns import CHANGES, OWN_SET

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
CORES = 2
SAMPLES = {16_000: 8, 100_000: 8, 1_000_000: 40}
GENES = 20_000
PEERS = {
    "scanpy + scirpy": "peer_scanpy.py",
    "scranpy": "peer_scranpy.py",
    "Seurat": "peer_seurat.R",
}
MOST_COMPARED = 200_000
"""Cells up to which the peers run too, and keys are changed."""

OWN = "immune-reset"
CAR = "CAR_BCMA"


@dataclass
class Run:
    """What one program took: seconds, seconds of CPU, GB at the most, and its steps.

    `load`: of the machine when it began; `reruns`: seconds to the new report, by changed key.
    """

    cells: int
    program: str
    wall: float
    cpu: float
    peak: float
    agreement: float
    load: float
    steps: pd.DataFrame = field(repr=False)
    reruns: dict[str, float] = field(default_factory=dict)


def kept(path: Path) -> list[Run]:
    """Return the runs that `path` holds; none where it is absent."""
    rows = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else []
    return [Run(**row | {"steps": pd.DataFrame(row["steps"])}) for row in rows]


def keep(runs: list[Run], path: Path) -> None:
    """Write the runs, the last of each program and size."""
    last = {(run.cells, run.program): run for run in runs}
    rows = [asdict(run) | {"steps": run.steps.to_dict("list")} for run in last.values()]
    path.write_text(json.dumps(rows, indent=1), encoding="utf-8")


def timed(command: list[str], cwd: Path, **more: str) -> tuple[float, float, float]:
    """Run a command; return seconds, seconds of CPU and GB at the most of its processes.

    `more`: variables of its environment.
    """
    start = time.monotonic()
    with (cwd / "said.log").open("w") as said:
        process = subprocess.Popen(
            command, cwd=cwd, stdout=said, stderr=subprocess.STDOUT, env=os.environ | more
        )
        _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"{command[0]} failed:\n{(cwd / 'said.log').read_text()[-3000:]}")
    return time.monotonic() - start, used.ru_utime + used.ru_stime, used.ru_maxrss / 1e6


def simulate(folder: Path, cells: int) -> Path:
    """Write the cohort of so many cells if it is not there; return its sample sheet."""
    sheet = folder / "samples.tsv"
    if not sheet.is_file():
        patients = SAMPLES[cells] // 2
        command = [sys.executable, str(ROOT / "workflow/scripts/simulate_cohort.py"), str(folder)]
        command += ["--patients", str(patients), "--timepoints", "baseline:-7", "month_3:90"]
        command += ["--cells", str(cells // SAMPLES[cells]), "--genes", str(GENES)]
        subprocess.run([*command, "--cells-sd", "0"], check=True)
    return sheet


def agreement(folder: Path, clusters: pd.Series) -> float:
    """Return the adjusted Rand index of clusters (by sample:barcode) and the true subtypes."""
    with gzip.open(folder / "truth/cells.tsv.gz", "rt") as file:
        truth = pd.read_csv(file, sep="\t", dtype=str, keep_default_na=False)
    truth.index = truth["sample"] + ":" + truth["barcode"]
    kind = truth["cell_subtype"].where(truth["cell_subtype"] != "", truth["cell_type"])
    both = pd.concat({"true": kind, "found": clusters}, axis=1, join="inner")
    return float(adjusted_rand_score(both["true"], both["found"]))


def run_workflow(folder: Path, cells: int) -> Run:
    """Run the workflow on a cohort, from its files to the report."""
    sheet, work = folder / "samples.tsv", folder / "own"
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir()
    settings = {"samples": str(sheet), "outdir": str(work / "out"), "car": {"features": [CAR]}}
    settings["clinical"] = {"table": str(folder / "clinical.tsv")}
    config = work / "run.yaml"  # benchmarks/fit_resources.py takes it
    config.write_text(yaml.safe_dump(settings), encoding="utf-8")
    command = [sys.executable, "-m", "snakemake", "--snakefile", str(ROOT / "Snakefile")]
    command += ["--directory", str(work), "--cores", str(CORES), "--configfile", str(config)]
    load = os.getloadavg()[0]
    meter = work / "meter.jsonl"
    wall, cpu, _ = timed(command, work, PYTHONPATH=str(HERE / "meter"), METER=str(meter))
    files = sorted((work / "out/benchmarks").rglob("*.tsv"))
    rows = [pd.read_csv(f, sep="\t").iloc[0] for f in files]
    rules = [f.relative_to(work / "out/benchmarks").parts[0].removesuffix(".tsv") for f in files]
    steps = pd.DataFrame({"step": rules, "seconds": [r["s"] for r in rows]})
    steps = steps.groupby("step")["seconds"].agg(seconds="sum", jobs="size", longest="max")
    used = pd.read_json(meter, lines=True).groupby("step").agg({"cpu": "sum", "peak": "max"})
    steps = steps.join(used, how="left")
    clusters = pd.read_parquet(work / "out/cohort/clusters.parquet").set_index("cell_id")["cluster"]
    found = agreement(folder, clusters)
    steps = steps.reset_index()
    again = reruns(command, work) if cells <= MOST_COMPARED else {}
    return Run(cells, OWN, wall, cpu, float(steps["peak"].max()), found, load, steps, again)


def reruns(command: list[str], work: Path) -> dict[str, float]:
    """Return the seconds from command to new report, by key; each change begins after the last."""
    (work / "own.gmt").write_text(OWN_SET, encoding="utf-8")
    taken, settings = {}, []
    for words, setting in CHANGES.items():
        settings.append(setting)
        start = time.time()
        timed([*command, "--config", *settings], work)
        taken[words] = (work / "out/report.html").stat().st_mtime - start
    return taken


def run_peer(folder: Path, cells: int, program: str) -> Run:
    """Run a peer's script on a cohort."""
    work = folder / Path(PEERS[program]).stem
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir()
    script = HERE / PEERS[program]
    command = ["Rscript" if script.suffix == ".R" else sys.executable, str(script)]
    command += [str(folder / "samples.tsv"), str(work / "steps.tsv"), str(work / "cells.tsv")]
    load = os.getloadavg()[0]
    wall, cpu, peak = timed(command, work)
    cells_of = pd.read_csv(work / "cells.tsv", sep="\t", dtype=str)
    names = cells_of["cell"].str.split("_", n=1, expand=True)  # barcode_sample
    clusters = pd.Series(cells_of["leiden"].to_numpy(), index=names[1] + ":" + names[0])
    steps = pd.read_csv(work / "steps.tsv", sep="\t")
    peak = max(peak, float(steps["peak"].max()))  # the kernel forgot the peaks of steps
    return Run(cells, program, wall, cpu, peak, agreement(folder, clusters), load, steps)


def has_seurat() -> bool:
    """Return whether R is there with Seurat and what reads 10x HDF5 files."""
    if not shutil.which("Rscript"):
        return False
    there = "all(nzchar(sapply(c('Seurat', 'hdf5r'), function(p) system.file(package = p))))"
    asked = ["Rscript", "-e", f"quit(status = !{there})"]
    return subprocess.run(asked, capture_output=True, check=False).returncode == 0


def main() -> None:
    """Run everything and write the page."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--cells", type=int, nargs="+", default=[16_000, 100_000])
    parser.add_argument("--peers", nargs="*", default=list(PEERS), choices=list(PEERS))
    parser.add_argument("--folder", type=Path, help="keep the cohorts here for the next time")
    parser.add_argument("--page", action="store_true", help="write the page from what was kept")
    asked = parser.parse_args()
    place = asked.folder or Path(tempfile.mkdtemp(prefix="speed_"))
    peers = [p for p in asked.peers if p != "Seurat" or has_seurat()]
    runs = kept(place / "runs.json")
    for cells in [] if asked.page else asked.cells:
        folder = place / str(cells)
        simulate(folder, cells)
        runs.append(run_workflow(folder, cells))
        print(runs[-1], flush=True)
        keep(runs, place / "runs.json")
        for program in peers if cells <= MOST_COMPARED else []:
            runs.append(run_peer(folder, cells, program))
            print(runs[-1], flush=True)
            keep(runs, place / "runs.json")
    runs = sorted(kept(place / "runs.json"), key=lambda run: run.cells)
    write_page(ROOT / "docs", runs, OWN, f"{platform.machine()}, {CORES} cores", seconds())


if __name__ == "__main__":
    main()
