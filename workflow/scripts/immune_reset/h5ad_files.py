"""An h5ad's counts and names, read from the HDF5 itself.

What anndata, SeuratDisk, zellkonverter and scanpy of several years wrote differs in its attributes;
counts and names are found without them, and what else a file holds is not looked at.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import h5py
import numpy as np
import pandas as pd
from scipy import sparse

from immune_reset import genomes, text_files, triplets
from immune_reset.errors import InputError, at

PLACES = (("X", "var"), ("layers/counts", "var"), ("raw/X", "raw/var"))
"""Where counts may be, and the table of their genes, in the order in which they are taken."""

CELLS = 50
"""Cells of a dense matrix that are looked at."""

MEND = "Store the raw counts as X, as layers['counts'] or as raw"


class Found(NamedTuple):
    """A matrix of the file: its name, its node, and cells × genes."""

    name: str
    node: h5py.Group | h5py.Dataset
    var: str
    shape: tuple[int, int]


def is_h5ad(file: h5py.File) -> bool:
    """Return whether a file has tables of cells and genes."""
    return "obs" in file and "var" in file


def matrices(file: h5py.File, path: str | Path) -> Iterator[Found]:
    """Yield the matrices that may hold counts, each of the size of the tables.

    Raises
    ------
    InputError
        If the file holds several modalities, or a matrix is of another size than its tables.
    """
    if "mod" in file:
        found = f"an h5mu of several modalities ({', '.join(file['mod'])})"
        raise at(path, found, "Write its gene expression as an h5ad")
    n_cells = len(_index_node(file["obs"]))
    for name, var in PLACES:
        if name not in file or var not in file:
            continue
        node = file[name]
        shape, sizes = _shape(node), (n_cells, len(_index_node(file[var])))
        if shape != sizes:
            said = " × ".join(map(str, shape)) or "of no size"
            found = f"{name} is {said}, its tables name {sizes[0]} × {sizes[1]} (cells × genes)"
            raise at(path, found, text_files.COPY)
        if isinstance(node, h5py.Group) and not parts_agree(node, shape[is_csc(node)]):
            raise at(path, f"the parts of {name} disagree in length", text_files.COPY)
        yield Found(name, node, var, shape)


def parts_agree(group: h5py.Group, n: int) -> bool:
    """Return whether data, indices and indptr of a sparse matrix of `n` rows belong together."""
    n_values, ends = len(group["data"]), group["indptr"]
    if len(group["indices"]) != n_values or len(ends) != n + 1:
        return False
    return int(ends[0]) == 0 and int(ends[-1]) == n_values


def is_csc(node: h5py.Group) -> bool:
    """Return whether a sparse matrix is stored by gene."""
    kind = node.attrs.get("encoding-type", node.attrs.get("h5sparse_format", "csr"))
    return text(kind).startswith("csc")


def _shape(node: h5py.Group | h5py.Dataset) -> tuple[int, ...]:
    stored = getattr(node, "shape", None)
    if stored is None:
        stored = node.attrs.get("shape", node.attrs.get("h5sparse_shape", ()))
    return tuple(int(n) for n in stored)


def first_values(node: h5py.Group | h5py.Dataset, n: int) -> np.ndarray:
    """Return the first `n` stored values, of a dense matrix those of its first cells."""
    return node[:CELLS].ravel() if isinstance(node, h5py.Dataset) else node["data"][:n]


def read(found: Found) -> sparse.csr_matrix:
    """Return a matrix as sparse rows, cells × genes."""
    node = found.node
    if isinstance(node, h5py.Dataset):
        values = node[:]
        small = values.dtype == np.float16  # scipy has no sparse matrix of them
        return sparse.csr_matrix(values.astype(np.float32) if small else values)
    kind = sparse.csc_matrix if is_csc(node) else sparse.csr_matrix
    parts = (node["data"][:], node["indices"][:], node["indptr"][:])
    matrix = kind(parts, shape=found.shape)
    matrix.check_format(full_check=True)
    return sparse.csr_matrix(matrix)


def no_counts(tried: list[str], file: h5py.File, path: str | Path) -> InputError:
    """Return the error of a file without counts; `tried`: matrix (its first value that is none)."""
    layers = [name for name in file.get("layers", ()) if name != "counts"]
    others = f"; other layers: {', '.join(layers)}" if layers else ""
    said = f"none of {', '.join(tried) or 'X'} holds whole, non-negative counts"
    return at(path, f"{said}; they look normalised{others}", MEND)


def index(table: h5py.Group | h5py.Dataset) -> list[str]:
    """Return the index of a table: strings, a masked array, or the first field of records."""
    return texts(_index_node(table))


def _index_node(table: h5py.Group | h5py.Dataset) -> h5py.Dataset | np.ndarray:
    if isinstance(table, h5py.Dataset):  # anndata before 0.7
        names = table.dtype.names
        return table["index" if "index" in names else names[0]]
    node = table[text(table.attrs.get("_index", "_index"))]
    return node["values"] if isinstance(node, h5py.Group) else node


def features(table: h5py.Group | h5py.Dataset) -> pd.DataFrame:
    """Return gene_id, symbol and feature_type of a table of genes, harmonised."""
    names = np.array(index(table), dtype=object)
    ids, symbols = _column(table, triplets.ID_COLUMNS), _column(table, triplets.SYMBOL_COLUMNS)
    return genomes.harmonised(
        names if ids is None else ids,
        names if symbols is None else symbols,
        _column(table, triplets.TYPE_COLUMNS),
    )


def _column(table: h5py.Group | h5py.Dataset, wanted: tuple[str, ...]) -> np.ndarray | None:
    known = table.dtype.names if isinstance(table, h5py.Dataset) else table
    name = next((name for name in wanted if name in known), None)
    if name is None:
        return None
    node = table[name]
    if isinstance(node, h5py.Group) and "codes" in node:
        kinds, codes = texts(node["categories"]), node["codes"][:]
    elif isinstance(node, h5py.Dataset) and "categories" in node.attrs:  # anndata before 0.8
        kinds = texts(table.file[node.attrs["categories"]])
        codes = node[:]
    else:
        node = node["values"] if isinstance(node, h5py.Group) else node
        return np.array(texts(node), dtype=object)
    return np.array([*kinds, ""], dtype=object)[codes]  # -1, a missing value, is the last


def texts(names: h5py.Dataset | np.ndarray) -> list[str]:
    """Return names that HDF5 stores as bytes or as text."""
    given = names[:].tolist()
    return [name.decode() if isinstance(name, bytes) else str(name) for name in given]


def text(name: object) -> str:
    """Return a name that HDF5 stores as bytes or as text."""
    return name.decode() if isinstance(name, bytes) else str(name)
