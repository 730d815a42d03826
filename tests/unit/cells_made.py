"""Matrices of every format, count files and jobs, for the tests of the rules on cells."""

import gzip
import importlib
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import h5py
import numpy as np
import pandas as pd
from scipy import io, sparse

from immune_reset import counts


class Files(SimpleNamespace):
    """Named files as Snakemake gives them, absent ones answered with None by `get`."""

    def get(self, name: str, default=None):
        return getattr(self, name, default)


def run(script: str, folder: Path, inputs: dict, outputs: dict, **params: Any) -> None:
    """Run a rule's `main` as Snakemake would."""
    job = SimpleNamespace(
        input=Files(**inputs),
        output=Files(**outputs),
        params=Files(**{"cfg": {"genes.join_by": "ensembl"}, **params}),
        log=[str(folder / f"{script}.log")],
        wildcards=SimpleNamespace(sample=params.get("row", {}).get("sample", "S1")),
    )
    importlib.import_module(script).main(job)


SMALL = np.array([[1, 0, 2, 0], [0, 3, 0, 1], [5, 0, 0, 0]])
"""Three cells, four genes."""

FEATURES = [
    ("ENSG1", "MT-CO1", "Gene Expression"),
    ("ENSG2", "CD3D", "Gene Expression"),
    ("ENSG3", "WARS", "Gene Expression"),
    ("AB1", "CD4_TotalSeqC", "Antibody Capture"),
]
BARCODES = ["AAAC-1", "AAAG-1", "AAAT-1"]


def write_h5_v3(path, matrix=SMALL, features=FEATURES, barcodes=BARCODES) -> Path:
    """Write a 10x HDF5 file as Cell Ranger 3 and later do."""
    by_cell = sparse.csc_matrix(np.asarray(matrix).T)
    with h5py.File(path, "w") as file:
        group = file.create_group("matrix")
        _write_sparse(group, by_cell)
        group["barcodes"] = np.array(barcodes, dtype="S")
        names = group.create_group("features")
        for position, name in enumerate(("id", "name", "feature_type")):
            names[name] = np.array([row[position] for row in features], dtype="S")
    return path


def write_h5_v2(path, genomes: dict[str, tuple[np.ndarray, list[tuple[str, str]]]]) -> Path:
    """Write a 10x HDF5 file as Cell Ranger 2 did: one group a genome."""
    with h5py.File(path, "w") as file:
        for genome, (matrix, genes) in genomes.items():
            group = file.create_group(genome)
            _write_sparse(group, sparse.csc_matrix(matrix.T))
            group["barcodes"] = np.array(BARCODES, dtype="S")
            group["genes"] = np.array([gene for gene, _ in genes], dtype="S")
            group["gene_names"] = np.array([symbol for _, symbol in genes], dtype="S")
    return path


def _write_sparse(group: h5py.Group, matrix: sparse.csc_matrix) -> None:
    group["data"] = matrix.data
    group["indices"] = matrix.indices
    group["indptr"] = matrix.indptr
    group["shape"] = np.array(matrix.shape)


def write_folder(path: Path, *, version: int, gzipped: bool, matrix=SMALL) -> Path:
    """Write a 10x matrix folder, version 2 (genes.tsv) or 3 (features.tsv)."""
    path.mkdir(parents=True)
    columns = 3 if version == 3 else 2
    texts = {
        "features.tsv" if version == 3 else "genes.tsv": FEATURES,
        "barcodes.tsv": [(barcode,) for barcode in BARCODES],
    }
    for name, rows in texts.items():
        _put(path / name, "".join("\t".join(r[:columns]) + "\n" for r in rows), gzipped)
    io.mmwrite(path / "plain.mtx", sparse.coo_matrix(np.asarray(matrix).T), field="integer")
    _put(path / "matrix.mtx", (path / "plain.mtx").read_text(), gzipped)
    (path / "plain.mtx").unlink()
    return path


def _put(path: Path, text: str, gzipped: bool) -> None:
    if gzipped:
        path.with_name(path.name + ".gz").write_bytes(gzip.compress(text.encode()))
    else:
        path.write_text(text)


def count_file(path: Path, matrix, *, symbols=None, sample: str = "S1") -> Path:
    """Write a counts.h5ad of `matrix`, gene ids being the symbols."""
    n_cells, n_genes = matrix.shape
    symbols = [f"G{i}" for i in range(n_genes)] if symbols is None else list(symbols)
    barcodes = [f"BC{i}-1" for i in range(n_cells)]
    cells = pd.DataFrame(
        {"barcode": barcodes, "sample": sample},
        index=pd.Index([f"{sample}:{b}" for b in barcodes], name="cell_id"),
    )
    genes = pd.DataFrame(
        {"symbol": symbols, "feature_type": "Gene Expression", "ambient": np.nan},
        index=pd.Index(symbols, name="gene_id"),
    )
    counts.write(counts.Counts(sparse.csr_matrix(matrix), cells, genes), path)
    return path


def cell_table(path: Path, count_path: Path, *, keep=None) -> Path:
    """Write the cells.parquet of a counts.h5ad, all kept unless told otherwise."""
    loaded = counts.read(count_path)
    cells = loaded.cells.reset_index()
    cells["total_counts"] = np.asarray(loaded.matrix.sum(axis=1)).ravel().astype(int)
    cells["keep"] = True if keep is None else keep
    cells.to_parquet(path)
    return path


def programmes(n_cells: int, n_genes: int, *, seed: int, n_types: int = 3, depth: float = 3.0):
    """Return whole counts of cells of `n_types` types, and the type of each cell.

    Each type has its own block of genes, eight times as frequent in it as elsewhere.
    """
    rng = np.random.default_rng(seed)
    types = np.arange(n_cells) % n_types
    rates = (0.2 + rng.gamma(1.0, 1.0, size=n_genes)) * depth
    block = np.arange(n_genes) * n_types // n_genes
    means = rates * np.where(block[None, :] == types[:, None], 8.0, 1.0)
    means *= rng.lognormal(0.0, 0.2, size=(n_cells, 1))
    return rng.poisson(means), types
