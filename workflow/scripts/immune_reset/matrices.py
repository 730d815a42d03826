"""Reading raw count matrices: 10x HDF5 (v2, v3), three text files (v2, v3), and h5ad.

What a file is is told from its contents; only three text files go by their names.
"""

import zlib
from dataclasses import dataclass
from pathlib import Path

import h5py
import numpy as np
import pandas as pd
from scipy import sparse

from immune_reset import genomes, h5ad_files, triplets
from immune_reset.errors import InputError, at
from immune_reset.matrix_heads import first_fault

TRUNCATED = "Copy or download it again and compare its size or checksum with the source's"
KINDS = f"{triplets.MEND} with raw counts"
UNREADABLE = (
    OSError, EOFError, zlib.error, ValueError, RuntimeError, KeyError, IndexError, TypeError,
    OverflowError, AttributeError,
)  # fmt: skip


@dataclass(frozen=True)
class RawMatrix:
    """A matrix as found: `matrix` cells × features; `features` gene_id, symbol, feature_type."""

    matrix: sparse.csr_matrix
    barcodes: pd.Index
    features: pd.DataFrame
    format: str


def read_matrix(path: Path) -> RawMatrix:
    """Read a sample's matrix from a 10x HDF5 file, a 10x folder or an h5ad.

    Raises
    ------
    InputError
        If the file is missing, truncated, incomplete, or of another kind.
    """
    if not path.exists():
        raise at(path, "no such file or folder", "Correct the path in the column gex of the sheet")
    try:
        text = path.is_dir() or triplets.is_matrix_name(path)
        raw = _read_triplet(triplets.find(path)) if text else _read_hdf5(path)
        check_distinct(raw.matrix, path)
        return raw
    except InputError:
        raise
    except UNREADABLE as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise at(path, f"it cannot be read to its end ({reason})", TRUNCATED) from error


def check_distinct(matrix: sparse.csr_matrix, path: Path) -> None:
    """Refuse a matrix that counts a gene twice in a cell; put its entries in order.

    Raises
    ------
    InputError
        Says how many are there twice.
    """
    stored = matrix.nnz
    matrix.sum_duplicates()
    if matrix.nnz < stored:
        found = f"{stored - matrix.nnz} of {stored} values are of a gene and cell that had one"
        raise at(path, found, TRUNCATED)


def _read_hdf5(path: Path) -> RawMatrix:
    if not h5py.is_hdf5(path):
        found = "it is not an HDF5 file, or its beginning is damaged"
        raise at(path, found, f"{KINDS}; if it was copied, copy it again")
    with h5py.File(path, "r") as file:
        if h5ad_files.is_h5ad(file):
            return _read_h5ad(file, path)
        if "matrix" in file:
            return _read_v3(file["matrix"])
        genomes = [name for name in file if isinstance(file[name], h5py.Group)]
        genomes = [name for name in genomes if "barcodes" in file[name] and "genes" in file[name]]
        if genomes:
            return _read_v2([file[name] for name in genomes])
        found = (
            f"an HDF5 file that is neither 10x nor h5ad (it holds {', '.join(file) or 'nothing'})"
        )
        raise at(path, found, KINDS)


def _text(values: h5py.Dataset) -> np.ndarray:
    return np.array(h5ad_files.texts(values), dtype=object)


def _cells_by_features(group: h5py.Group) -> sparse.csr_matrix:
    """Return the group's features × cells matrix, stored by cell, as cells × features."""
    n_features, n_cells = (int(n) for n in group["shape"][:])
    parts = (group["data"][:], group["indices"][:], group["indptr"][:])
    matrix = sparse.csr_matrix(parts, shape=(n_cells, n_features))
    matrix.check_format(full_check=True)
    return matrix


def _read_v3(group: h5py.Group) -> RawMatrix:
    features = genomes.harmonised(
        _text(group["features/id"]),
        _text(group["features/name"]),
        _text(group["features/feature_type"]),
    )
    barcodes = pd.Index(_text(group["barcodes"]))
    return RawMatrix(_cells_by_features(group), barcodes, features, "10x HDF5 v3")


def _read_v2(groups: list[h5py.Group]) -> RawMatrix:
    """Read the groups (one a genome) of a Cell Ranger 2 file; the cells are the human genome's."""
    tables = [_v2_features(group) for group in groups]
    human = [not genomes.foreign(table) for table in tables]
    names = _text(groups[human.index(True) if any(human) else 0]["barcodes"])
    parts = []
    for group in groups:
        own = pd.Index(_text(group["barcodes"])).get_indexer(names)
        place = (np.flatnonzero(own >= 0), own[own >= 0])
        shape = (len(names), len(group["barcodes"]))
        chosen = sparse.csr_matrix((np.ones(len(place[0]), dtype=np.int64), place), shape=shape)
        parts.append(chosen @ _cells_by_features(group))
    features = pd.concat(tables, ignore_index=True)
    features = genomes.harmonised(features["gene_id"].array, features["symbol"].array)
    return RawMatrix(sparse.hstack(parts, format="csr"), pd.Index(names), features, "10x HDF5 v2")


def _v2_features(group: h5py.Group) -> pd.DataFrame:
    return genomes.harmonised(_text(group["genes"]), _text(group["gene_names"]))


def _read_h5ad(file: h5py.File, path: Path) -> RawMatrix:
    barcodes = pd.Index(h5ad_files.index(file["obs"]), dtype=object)
    tried = []
    for found in h5ad_files.matrices(file, path):
        values = h5ad_files.read(found)
        fault = first_fault(values.data)
        if not fault:
            return RawMatrix(values, barcodes, h5ad_files.features(file[found.var]), "h5ad")
        tried.append(f"{found.name} ({fault})")
    raise h5ad_files.no_counts(tried, file, path)


def _read_triplet(files: triplets.Triplet) -> RawMatrix:
    """Read matrix.mtx, barcodes.tsv and features.tsv (v3) or genes.tsv (v2), gzipped or not."""
    ids, symbols, types, version = triplets.as_features(files)
    barcodes = pd.Index(triplets.barcodes(files), dtype=object)
    matrix = triplets.read(files)
    triplets.check_shape(matrix.shape[::-1], files, len(ids), len(barcodes))
    features = genomes.harmonised(ids, symbols, types)
    return RawMatrix(matrix, barcodes, features, f"10x folder {version}")
