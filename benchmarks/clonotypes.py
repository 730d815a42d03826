"""Time and memory of one very large patient's clonotypes, and of the claims under other rules.

Simulates the receptors of one patient (half of them B cells, half T cells, or as asked for), writes
them as the workflow would, and runs the rules' own scripts, each in a process of its own: seconds
of processor time and of wall clock, and peak resident memory.

    .venv/bin/python benchmarks/clonotypes.py [--quick] [--b-cells N] [--t-cells N] [--out FILE]
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "workflow" / "scripts"))

from immune_reset import tables  # noqa: E402
from immune_reset.simulation.receptors import mutate, new_receptors, translate  # noqa: E402

COMMAND = ".venv/bin/python benchmarks/clonotypes.py"
RULES = ("define_clonotypes", "vary_clonotypes", "measure_diversity", "track_clones",
         "profile_repertoire", "measure_expansion")  # fmt: skip
CONFIG = {
    "receptors.min_umis": 1,
    "clonotypes.bcr_max_distance": 0.15,
    "clonotypes.light_chain": "where_present",
    "clonotypes.tcr_arms": "refined",
    "clonotypes.tcr_sequence": "nt",
    "diversity.orders": [0, 1, 2],
    "diversity.min_cells": 20,
    "diversity.min_repeats": 10,
    "diversity.bootstraps": 200,
    "clones.min_cells": 3,
    "clones.fdr": 0.05,
    "clones.expanded_min_cells": 3,
    "clones.follow_plasma": True,
    "seed": 1,
}
DESIGN = {
    "patient": "P1",
    "baseline": "pre",
    "timepoints": ["pre", "post"],
    "samples": [
        {"sample": "pre", "timepoint": "pre", "day": -1.0, "has_bcr": True, "has_tcr": True},
        {"sample": "post", "timepoint": "post", "day": 90.0, "has_bcr": True, "has_tcr": True},
    ],
}
JOB = (
    "import sys, importlib; sys.path[:0] = [{scripts!r}, {here!r}]; import clonotypes; "
    "importlib.import_module({rule!r}).main(clonotypes.job({rule!r}, {folder!r}))"
)


class Files(dict):
    """Named files of a rule, by attribute as Snakemake gives them."""

    __getattr__ = dict.__getitem__


def draw_cells(rng: np.random.Generator, receptor: str, n: int) -> pd.DataFrame:
    """Return `n` cells' receptors: most of naive clones, a fifth in expanded, mutated families.

    Family sizes follow Zipf's law (exponent 1.2, at most 2,000 cells); a family's cells differ by
    somatic mutation in 5 % of the junction's bases (B cells alone).
    """
    sizes = [1] * (n - n // 5)
    while sum(sizes) < n:
        sizes.append(int(min(rng.zipf(1.2), 2_000, n - sum(sizes))))
    clones = new_receptors(rng, receptor, len(sizes))
    cells = clones.loc[np.repeat(clones.index, sizes)].reset_index(drop=True)
    if receptor == "BCR":
        cells["vdj_nt"] = mutate(rng, cells["vdj_nt"].to_numpy(dtype=object), 0.05)
    return cells


def draw_chains(rng: np.random.Generator, cells: pd.DataFrame, receptor: str) -> pd.DataFrame:
    """Return the cells' chains as read_receptors writes them; a fifth of VJ chains is missed."""
    names = np.array([f"{'pre' if x < 0.5 else 'post'}:{receptor}{i}"
                      for i, x in enumerate(rng.random(len(cells)))], dtype=object)  # fmt: skip
    parts = []
    for side, caught in (("vdj", 1.0), ("vj", 0.8), ("vj2", 0.8)):
        part = cells[[f"{side}_{f}" for f in ("locus", "v", "d", "j", "nt")]].copy()
        part.columns = ["locus", "v_call", "d_call", "j_call", "junction"]
        part.insert(0, "cell_id", names)
        part["c_call"] = np.where(part["locus"] == "IGH", "IGHM", None)
        keep = (part["locus"] != "").to_numpy() & (rng.random(len(part)) < caught)
        parts.append(part[keep])
    chains = pd.concat(parts, ignore_index=True)
    chains["junction_aa"] = [translate(nt) for nt in chains["junction"]]
    chains["sequence_id"] = "contig_" + receptor + chains.index.astype(str)
    chains["productive"] = True
    for column in ("consensus_count", "umi_count"):
        chains[column] = pd.array(1 + rng.poisson(4, len(chains)), dtype="Int64")
    return chains.assign(v_identity=np.nan)


def write_patient(folder: Path, *, b_cells: int, t_cells: int, seed: int) -> None:
    """Write chains, receptors and kept cells of a patient."""
    import read_receptors
    from immune_reset import receptor_model

    rng = np.random.default_rng(seed)
    numbers = {"BCR": b_cells, "TCR": t_cells}
    parts = [draw_chains(rng, draw_cells(rng, r, n), r) for r, n in numbers.items() if n]
    chains = pd.concat(parts, ignore_index=True)[read_receptors.CHAIN_COLUMNS]
    receptors = receptor_model.judge_chains(receptor_model.index_chains(chains), chains)
    cells = receptors[["cell_id"]].assign(keep=True)
    cells["sample"] = cells["cell_id"].str.split(":").str[0]
    tables.write(read_receptors.as_text(chains), folder / "chains.parquet")
    tables.write(read_receptors.as_text(receptors), folder / "receptors.parquet")
    tables.write(cells, folder / "cells.parquet")
    words = ("receptor", "locus", "v_call", "j_call", "junction")
    none = pd.DataFrame({name: pd.Series(dtype="string") for name in words})
    tables.write(none, folder / "shared_clones.parquet")


def job(rule: str, folder: str) -> SimpleNamespace:
    """Return what Snakemake would hand to the script of a rule."""
    place = Path(folder)
    many = {name: [place / f"{name}.parquet"] for name in ("chains", "receptors", "cells")}
    one = {"clonotypes": place / "clonotypes.parquet", "shared": place / "shared_clones.parquet"}
    inputs = many if rule in RULES[:2] else one
    names = {
        "define_clonotypes": ("clonotypes", "facts"),
        "vary_clonotypes": ("robustness",),
        "measure_diversity": ("diversity", "change", "curves"),
        "track_clones": ("clones", "fates", "returned", "group"),
        "profile_repertoire": ("usage", "isotypes", "overlap", "lengths"),
        "measure_expansion": ("expansion", "turnover", "car"),
    }[rule]
    prefix = "" if rule == "define_clonotypes" else f"{rule}_"
    outputs = {name: place / f"{prefix}{name}.parquet" for name in names}
    return SimpleNamespace(
        input=Files(inputs), output=Files(outputs), log=[], wildcards=SimpleNamespace(patient="P1"),
        params=SimpleNamespace(cfg=CONFIG, design=DESIGN),
    )  # fmt: skip


def measure(rule: str, folder: Path) -> tuple[float, float, float]:
    """Return CPU seconds, wall seconds and peak resident memory (GB) of one rule's script."""
    where = {"scripts": str(ROOT / "workflow" / "scripts"), "here": str(Path(__file__).parent)}
    code = JOB.format(rule=rule, folder=str(folder), **where)
    began = time.perf_counter()
    child = subprocess.Popen([sys.executable, "-c", code], stderr=subprocess.DEVNULL)
    _, status, used = os.wait4(child.pid, 0)
    if status:
        raise RuntimeError(f"{rule} failed")
    wall = time.perf_counter() - began
    return used.ru_utime + used.ru_stime, wall, used.ru_maxrss / 1e6


def page(
    rows: list[tuple[str, float, float, float]], options: argparse.Namespace, said: str
) -> str:
    """Return docs/performance_clonotypes.md."""
    cores = len(os.sched_getaffinity(0))
    lines = [
        "# Time and memory of a large patient's clonotypes",
        "",
        f"Written by `{COMMAND}{said}` (seed {options.seed}). One simulated patient with "
        f"{options.b_cells:,} B cells and {options.t_cells:,} T cells at two timepoints, a fifth "
        f"of them in expanded families; each rule's script in a process of its own, on one "
        f"core of a machine with {cores} that others used at the same time: the processor time is "
        "what a quiet machine takes.",
        "",
        "| rule | processor, s | wall clock, s | peak memory, GB |",
        "|---|---|---|---|",
    ]
    lines += [f"| `{rule}` | {cpu:.0f} | {wall:.0f} | {gb:.2f} |" for rule, cpu, wall, gb in rows]
    return "\n".join(lines) + "\n"


def main() -> None:
    """Simulate, measure and write the page."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="few cells: a smoke test")
    parser.add_argument("--b-cells", type=int, default=100_000)
    parser.add_argument("--t-cells", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=1)
    out = ROOT / "docs" / "performance_clonotypes.md"
    parser.add_argument("--out", type=Path, default=out)
    options = parser.parse_args()
    if options.quick:
        options.b_cells = options.t_cells = 1_000
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        write_patient(Path(folder), b_cells=options.b_cells, t_cells=options.t_cells,
                      seed=options.seed)  # fmt: skip
        for rule in RULES:
            rows.append((rule, *measure(rule, Path(folder))))
            sys.stdout.write("{}: {:.0f} s, {:.0f} s wall, {:.2f} GB\n".format(*rows[-1]))
            sys.stdout.flush()
    said = " --quick" if options.quick else ""
    for name, usual in (("b_cells", 100_000), ("t_cells", 100_000)):
        if not options.quick and getattr(options, name) != usual:
            said += f" --{name.replace('_', '-')} {getattr(options, name)}"
    options.out.write_text(page(rows, options, said), encoding="utf-8")


if __name__ == "__main__":
    main()
