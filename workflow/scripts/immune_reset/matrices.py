"""Reading raw count matrices: 10x HDF5 (v2, v3), 10x folders (v2, v3), and h5ad.

What a file is is told from its contents, not from its name.
"""

import gzip
import zlib
from dataclasses import dataclass
from pathlib import Path

import h5py
import numpy as np
import pandas as pd
from anndata.io import read_elem
from scipy import io, sparse

from immune_reset.errors import InputError, at

TRUNCATED = "Copy or download it again and compare its size or checksum with the source's"
KINDS = "Give a 10x .h5, a 10x matrix folder, or an .h5ad with raw counts"
UNREADABLE = (OSError, EOFError, zlib.error, ValueError, RuntimeError, KeyError, IndexError)
ID_COLUMNS = ("gene_ids", "gene_id", "ensembl_id", "ensembl_ids", "feature_id")
SYMBOL_COLUMNS = ("symbol", "gene_symbols", "gene_symbol", "gene_name", "feature_name")
TYPE_COLUMNS = ("feature_types", "feature_type")


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
        return _read_folder(path) if path.is_dir() else _read_hdf5(path)
    except InputError:
        raise
    except UNREADABLE as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise at(path, f"it cannot be read to its end ({reason})", TRUNCATED) from error


def _read_hdf5(path: Path) -> RawMatrix:
    if not h5py.is_hdf5(path):
        found = "it is not an HDF5 file, or its beginning is damaged"
        raise at(path, found, f"{KINDS}; if it was copied, copy it again")
    with h5py.File(path, "r") as file:
        if "X" in file and "obs" in file and "var" in file:
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
    return np.array([value.decode() for value in values[:]], dtype=object)


def _cells_by_features(group: h5py.Group) -> sparse.csr_matrix:
    """Return the group's features × cells matrix, stored by cell, as cells × features."""
    n_features, n_cells = (int(n) for n in group["shape"][:])
    parts = (group["data"][:], group["indices"][:], group["indptr"][:])
    matrix = sparse.csr_matrix(parts, shape=(n_cells, n_features))
    matrix.check_format(full_check=True)
    return matrix


def _read_v3(group: h5py.Group) -> RawMatrix:
    features = _features(
        _text(group["features/id"]),
        _text(group["features/name"]),
        _text(group["features/feature_type"]),
    )
    barcodes = pd.Index(_text(group["barcodes"]))
    return RawMatrix(_cells_by_features(group), barcodes, features, "10x HDF5 v3")


def _read_v2(groups: list[h5py.Group]) -> RawMatrix:
    """Read the groups (one a genome) of a Cell Ranger 2 file; all hold the same barcodes."""
    ids = np.concatenate([_text(group["genes"]) for group in groups])
    symbols = np.concatenate([_text(group["gene_names"]) for group in groups])
    matrix = sparse.hstack([_cells_by_features(group) for group in groups], format="csr")
    barcodes = pd.Index(_text(groups[0]["barcodes"]))
    return RawMatrix(matrix, barcodes, _features(ids, symbols), "10x HDF5 v2")


def _read_h5ad(file: h5py.File, path: Path) -> RawMatrix:
    barcodes = read_elem(file["obs"]).index.astype(str)
    tried = []
    for name, var in (("X", "var"), ("layers/counts", "var"), ("raw/X", "raw/var")):
        if name not in file:
            continue
        tried.append(name)
        values = sparse.csr_matrix(read_elem(file[name]))
        if _whole(values.data):
            return RawMatrix(values, barcodes, _h5ad_features(read_elem(file[var])), "h5ad")
    found = f"none of {', '.join(tried)} holds whole, non-negative counts; they look normalised"
    raise at(path, found, "Store the raw counts as X, as layers['counts'] or as raw")


def _whole(values: np.ndarray) -> bool:
    return bool(np.isfinite(values).all() and (values >= 0).all() and (values % 1 == 0).all())


def _h5ad_features(var: pd.DataFrame) -> pd.DataFrame:
    index = var.index.astype(str).to_numpy(dtype=object)

    def column(names: tuple[str, ...]) -> np.ndarray | None:
        name = next((name for name in names if name in var), None)
        return None if name is None else var[name].astype(str).to_numpy(dtype=object)

    ids, symbols = column(ID_COLUMNS), column(SYMBOL_COLUMNS)
    types = column(TYPE_COLUMNS)
    return _features(index if ids is None else ids, index if symbols is None else symbols, types)


def _read_folder(path: Path) -> RawMatrix:
    """Read matrix.mtx, barcodes.tsv and features.tsv (v3) or genes.tsv (v2), gzipped or not."""
    matrix_file = _find(path, ("matrix.mtx",))
    feature_file = _find(path, ("features.tsv", "genes.tsv"))
    barcode_file = _find(path, ("barcodes.tsv",))
    table = _lines(feature_file)
    ids = np.array([row[0] for row in table], dtype=object)
    symbols = np.array([row[1] if len(row) > 1 else row[0] for row in table], dtype=object)
    typed = bool(table) and min(map(len, table)) > 2
    types = np.array([row[2] for row in table], dtype=object) if typed else None
    barcodes = pd.Index([row[0] for row in _lines(barcode_file)], dtype=object)
    matrix = sparse.csr_matrix(io.mmread(matrix_file).T)
    if matrix.shape != (len(barcodes), len(ids)):
        found = (
            f"it is {matrix.shape[1]} × {matrix.shape[0]}, but {feature_file.name} has {len(ids)} "
            f"lines and {barcode_file.name} {len(barcodes)}"
        )
        raise at(matrix_file, found, "Give three files that were written together")
    version = "v3" if feature_file.name.startswith("features") else "v2"
    return RawMatrix(matrix, barcodes, _features(ids, symbols, types), f"10x folder {version}")


def _find(folder: Path, names: tuple[str, ...]) -> Path:
    for name in names:
        for path in (folder / f"{name}.gz", folder / name):
            if path.is_file():
                return path
    wanted = " or ".join(f"{name}[.gz]" for name in names)
    present = ", ".join(sorted(entry.name for entry in folder.iterdir())[:5]) or "nothing"
    raise at(folder, f"{wanted} is missing (the folder holds {present})", KINDS)


def _lines(path: Path) -> list[list[str]]:
    content = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    lines = content.decode("utf-8-sig").splitlines()
    return [line.split("\t") for line in lines if line.strip()]


def _features(
    ids: np.ndarray, symbols: np.ndarray, types: np.ndarray | None = None
) -> pd.DataFrame:
    kind = "Gene Expression" if types is None else types
    return pd.DataFrame({"gene_id": ids, "symbol": symbols, "feature_type": kind})
