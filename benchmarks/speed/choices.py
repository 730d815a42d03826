"""What was chosen by measurement: the search of neighbours, and how tables and counts are packed.

`python benchmarks/speed/choices.py OUTDIR` takes the embedding, one sample's counts and one
sample's chains of a finished run, tries the alternatives on them, one core each, and writes
docs/performance_choices.md.
"""

import argparse
import io
import platform
import sys
import time
from collections.abc import Callable
from pathlib import Path

import faiss
import h5py
import numpy as np
import pandas as pd
from anndata.io import write_elem
from sklearn.neighbors import NearestNeighbors

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "workflow" / "scripts"))

from immune_reset import counts, neighbors

PAGE = Path(__file__).resolve().parents[2] / "docs" / "performance_choices.md"
K = 15
HEAD = """# What was chosen by measurement

Written by `python benchmarks/speed/choices.py OUTDIR`, on one core of {machine}.

## Neighbours

{n:,} cells in {d} dimensions, {k} neighbours each. Recall: the share of the exact neighbours found.
Chosen: exact to {exact:,} points, where the graph of links begins to be worth its losses.

| search | seconds | recall |
|---|---|---|
"""
PACKED = """
## Counts on disk

One sample, {cells:,} cells, {counts:,} counts other than nought. Chosen for `counts.h5ad`: lzf with
shuffled bytes, which every later rule reads fast; for the exports, gzip 1 with shuffled bytes.

| compression | write, s | read, s | MB |
|---|---|---|---|
"""
TABLES = """
## Parquet

The labels and embedding of all cells, {n:,} rows. Chosen: zstd.

| compression | write, s | read, s | MB |
|---|---|---|---|
"""


def timed(work: Callable):
    """Return the seconds that `work` takes, and what it returns."""
    start = time.perf_counter()
    found = work()
    return time.perf_counter() - start, found


def recall(found: np.ndarray, exact: np.ndarray) -> float:
    """Return the share of the exact neighbours among those found."""
    both = [len(np.intersect1d(a, b)) for a, b in zip(found, exact, strict=True)]
    return sum(both) / exact.size


def cells_probed(points: np.ndarray) -> np.ndarray:
    """Return the neighbours by faiss's inverted lists."""
    index = faiss.index_factory(points.shape[1], f"IVF{int(np.sqrt(len(points)))},Flat")
    index.train(points)
    index.add(points)
    index.nprobe = 8
    return index.search(points, K)[1]


def linked(points: np.ndarray) -> np.ndarray:
    """Return the neighbours by the graph of links that large cohorts are searched with."""
    kept, neighbors.EXACT = neighbors.EXACT, 0
    try:
        return neighbors.search(points, k=K)
    finally:
        neighbors.EXACT = kept


def searches(points: np.ndarray) -> str:
    """Return the table rows of the searches, the exact one first."""
    faiss.omp_set_num_threads(1)
    ways = {
        "faiss, exact": lambda: neighbors.search(points, k=K),
        "faiss, graph of links (HNSW)": lambda: linked(points),
        "faiss, inverted lists (IVF)": lambda: cells_probed(points),
        "scikit-learn, exact": lambda: NearestNeighbors(n_neighbors=K, algorithm="brute")
        .fit(points).kneighbors(points, return_distance=False),
    }  # fmt: skip
    rows, exact = "", None
    for name, way in ways.items():
        seconds, found = timed(way)
        exact = found if exact is None else exact
        rows += f"| {name} | {seconds:.1f} | {recall(found, exact):.3f} |\n"
    return rows


def packings(path: Path) -> tuple[str, int, int]:
    """Return the table rows of how counts can be packed, the cells and the counts."""
    matrix = counts.read(path).matrix
    ways = {
        "none": {},
        "lzf, shuffled": {"compression": "lzf", "shuffle": True},
        "gzip 1": {"compression": "gzip", "compression_opts": 1},
        "gzip 1, shuffled": {"compression": "gzip", "compression_opts": 1, "shuffle": True},
        "gzip 4, shuffled": {"compression": "gzip", "compression_opts": 4, "shuffle": True},
    }
    rows = ""
    for name, options in ways.items():
        place = io.BytesIO()
        with h5py.File(place, "w") as file:
            wrote, _ = timed(lambda f=file, o=options: write_elem(f, "X", matrix, dataset_kwargs=o))
        with h5py.File(place, "r") as file:
            read, _ = timed(lambda f=file: (f["X/data"][:], f["X/indices"][:]))
        rows += f"| {name} | {wrote:.2f} | {read:.2f} | {len(place.getvalue()) / 1e6:.1f} |\n"
    return rows, matrix.shape[0], matrix.nnz


def tables(frame: pd.DataFrame) -> str:
    """Return the table rows of Parquet's compressions."""
    rows = ""
    for name in ("none", "snappy", "lz4", "zstd", "gzip"):
        place, packed = io.BytesIO(), None if name == "none" else name
        wrote, _ = timed(lambda p=place, c=packed: frame.to_parquet(p, compression=c, index=False))
        content = place.getvalue()
        read, _ = timed(lambda c=content: pd.read_parquet(io.BytesIO(c)))
        rows += f"| {name} | {wrote:.2f} | {read:.2f} | {len(content) / 1e6:.1f} |\n"
    return rows


def main() -> None:
    """Measure, and write the page."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("outdir", type=Path, help="folder of a finished run")
    out = parser.parse_args().outdir
    embedding = pd.read_parquet(out / "cohort/embedding.parquet")
    points = np.ascontiguousarray(embedding.drop(columns="cell_id"), dtype=np.float32)
    text = HEAD.format(
        machine=platform.machine(), n=len(points), d=points.shape[1], k=K, exact=neighbors.EXACT
    ) + searches(points)
    rows, n_cells, n_counts = packings(next((out / "samples").glob("*/counts.h5ad")))
    text += PACKED.format(cells=n_cells, counts=n_counts) + rows
    frame = pd.read_parquet(out / "cohort/labels.parquet").merge(embedding, on="cell_id")
    PAGE.write_text(text + TABLES.format(n=len(frame)) + tables(frame), encoding="utf-8")


if __name__ == "__main__":
    main()
