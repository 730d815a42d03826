"""The count matrix of a sample on disk: written once, read by genes and cells.

`counts.h5ad` holds cells × genes as compressed sparse rows, whole counts stored as float32
(exact to 16,777,216), `obs` indexed by cell_id with `barcode` and `sample`, and `var` indexed by
gene_id with `symbol`, `feature_type` and `ambient` (UMIs of ambient RNA expected in one cell; NaN
where not estimable).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import h5py
import numpy as np
import pandas as pd
from scipy import sparse

from immune_reset import tables

CHUNK_CELLS = 4096
"""Cells read at once: 4,096 of 2,000 genes each are 60 MB."""


@dataclass(frozen=True)
class Counts:
    """Counts of one sample: `matrix` (cells × genes), and the tables of its two sides."""

    matrix: sparse.csr_matrix
    cells: pd.DataFrame
    genes: pd.DataFrame


def write(counts: Counts, path: str | Path) -> None:
    """Write counts.h5ad whole or not at all, compressed for fast reading (lzf, shuffled bytes)."""
    from anndata import AnnData  # here: every job reads counts, and its import takes half a second
    from anndata.io import write_elem

    data = AnnData(counts.matrix.astype(np.float32), obs=counts.cells, var=counts.genes)
    with tables.whole(path) as partial, h5py.File(partial, "w") as file:
        write_elem(file, "/", data, dataset_kwargs={"compression": "lzf", "shuffle": True})


def read_cells(path: str | Path) -> pd.DataFrame:
    """Return `obs`: index cell_id, columns barcode and sample. No count is read."""
    with h5py.File(path, "r") as file:
        return _frame(file["obs"])


def read_genes(path: str | Path) -> pd.DataFrame:
    """Return `var`: index gene_id, columns symbol, feature_type, ambient. No count is read."""
    with h5py.File(path, "r") as file:
        return _frame(file["var"])


def read(
    path: str | Path,
    *,
    cell_ids: pd.Index | None = None,
    gene_ids: pd.Index | None = None,
) -> Counts:
    """Read the counts of some cells and genes, holding no more than a chunk beside them.

    Parameters
    ----------
    path
        A counts.h5ad.
    cell_ids, gene_ids
        What to read, in the order wanted; everything if None.

    Returns
    -------
    Counts of float32 with the rows and columns asked for.

    Raises
    ------
    KeyError
        If an id asked for is not in the file.
    """
    cells, genes = read_cells(path), read_genes(path)
    rows = _positions(cells.index, cell_ids, path)
    columns = _positions(genes.index, gene_ids, path)
    wanted = None if gene_ids is None else columns
    kept = np.sort(rows)
    parts = [part for _, part in _chunks(path, kept, wanted)]
    empty = sparse.csr_matrix((0, len(columns)), dtype=np.float32)
    matrix = sparse.vstack(parts, format="csr") if parts else empty
    if not np.array_equal(kept, rows):
        matrix = matrix[np.searchsorted(kept, rows)]
    return Counts(sparse.csr_matrix(matrix), cells.iloc[rows], genes.iloc[columns])


def iter_chunks(path: str | Path) -> Iterator[tuple[slice, sparse.csr_matrix]]:
    """Yield (rows, counts of these rows over all genes), `CHUNK_CELLS` cells at a time."""
    yield from _chunks(path, None, None)


def _frame(group: h5py.Group) -> pd.DataFrame:
    """Return a table of strings and numbers as AnnData stores it, by its index."""
    names = [str(name) for name in group.attrs["column-order"]]
    index = pd.Index(_values(group[group.attrs["_index"]]), name=group.attrs["_index"])
    return pd.DataFrame({name: _values(group[name]) for name in names}, index=index)


def _values(stored: h5py.Dataset) -> np.ndarray:
    return (stored.asstr() if h5py.check_string_dtype(stored.dtype) else stored)[:]


def _chunks(
    path: str | Path, rows: np.ndarray | None, columns: np.ndarray | None
) -> Iterator[tuple[slice, sparse.csr_matrix]]:
    with h5py.File(path, "r") as file:
        stored = file["X"]
        n_cells, n_genes = stored.attrs["shape"]
        ends = stored["indptr"][:]
        for start in range(0, n_cells, CHUNK_CELLS):
            stop = min(start + CHUNK_CELLS, n_cells)
            if rows is not None:
                inside = rows[np.searchsorted(rows, start) : np.searchsorted(rows, stop)]
                if not len(inside):
                    continue
            own = slice(ends[start], ends[stop])
            entries = (
                stored["data"][own],
                stored["indices"][own],
                ends[start : stop + 1] - own.start,
            )
            part = sparse.csr_matrix(entries, shape=(stop - start, n_genes))
            if rows is not None and len(inside) < stop - start:
                part = part[inside - start]
            yield slice(start, stop), part if columns is None else part[:, columns]


def _positions(index: pd.Index, wanted: pd.Index | None, path: str | Path) -> np.ndarray:
    if wanted is None:
        return np.arange(len(index))
    positions = index.get_indexer(pd.Index(wanted))
    if (positions < 0).any():
        missing = pd.Index(wanted)[positions < 0]
        raise KeyError(f"{path} lacks {len(missing)} of the ids asked for, such as {missing[0]!r}")
    return positions
