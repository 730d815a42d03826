"""A matrix in three text files: matrix.mtx, barcodes.tsv, features.tsv (or genes.tsv).

They lie in one folder, or anywhere with a common start of their names, as in GEO
(`GSM123_S1_matrix.mtx.gz`, `GSM123_S1_barcodes.tsv.gz`, ...); there the matrix is named.
"""

import re
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from immune_reset import text_files
from immune_reset.errors import InputError, at

NAMES = {
    "matrix": ("matrix.mtx",),
    "barcodes": ("barcodes.tsv",),
    "features": ("features.tsv", "genes.tsv"),
}
MATRIX = re.compile(r"(.*?)matrix\.mtx(\.gz)?")
BANNER = re.compile(
    r"%%MatrixMarket\s+matrix\s+coordinate\s+(integer|unsigned-integer|real|double)(\s+general)?\s*$",
    re.IGNORECASE,
)
ID_COLUMNS = ("gene_ids", "gene_id", "ensembl_id", "ensembl_ids", "feature_id")
SYMBOL_COLUMNS = ("symbol", "gene_symbols", "gene_symbol", "gene_name", "feature_name")
TYPE_COLUMNS = ("feature_types", "feature_type")
"""Names of an h5ad's columns of genes."""

MEND = "Give a 10x .h5, a 10x matrix folder, a prefixed matrix.mtx[.gz], or an .h5ad"


class Triplet(NamedTuple):
    """The three files of a matrix."""

    matrix: Path
    barcodes: Path
    features: Path


def is_matrix_name(path: Path) -> bool:
    """Return whether a file is named as the matrix of three files is."""
    return MATRIX.fullmatch(path.name) is not None


def find(path: Path) -> Triplet:
    """Return the files of a folder, or of the matrix file that is named.

    Raises
    ------
    InputError
        If one is missing, or a folder holds several matrices with prefixes.
    """
    if not path.is_dir():
        return _beside(path.parent, MATRIX.fullmatch(path.name)[1], path)
    prefixed = sorted(entry for entry in path.iterdir() if is_matrix_name(entry))
    plain = [entry for entry in prefixed if entry.name.startswith("matrix.mtx")]
    if not plain and len(prefixed) > 1:
        names = ", ".join(entry.name for entry in prefixed[:4])
        raise at(path, f"the folder holds {len(prefixed)} matrices ({names})", "Name one in gex")
    chosen = plain or prefixed
    prefix = MATRIX.fullmatch(chosen[0].name)[1] if chosen else ""
    return _beside(path, prefix, path)


def _beside(folder: Path, prefix: str, place: Path) -> Triplet:
    found = []
    for names in NAMES.values():
        paths = [folder / f"{prefix}{name}{end}" for name in names for end in (".gz", "")]
        present = next((path for path in paths if path.is_file()), None)
        if present is None:
            wanted = " or ".join(f"{prefix}{name}[.gz]" for name in names)
            holds = ", ".join(sorted(entry.name for entry in folder.iterdir())[:5]) or "nothing"
            raise at(place, f"{wanted} is missing (the folder holds {holds})", MEND)
        found.append(present)
    return Triplet(*found)


def barcodes(files: Triplet) -> list[str]:
    """Return the barcodes, in order."""
    lines = text_files.lines(files.barcodes)
    return [line.split("\t")[0].strip('"') for line in lines if line.strip()]


def features(files: Triplet) -> tuple[list[str], list[str], list[str] | None]:
    """Return ids, symbols (the id where the file has none), and types (None in version 2)."""
    lines = [line for line in text_files.lines(files.features) if line.strip()]
    rows = [[cell.strip('"') for cell in line.split("\t")] for line in lines]
    if rows and all(len(row) == 1 and " " in row[0] for row in rows):
        raise at(files.features, "its columns are separated by spaces", "Separate them by tabs")
    typed = bool(rows) and min(map(len, rows)) > 2
    symbols = [row[1] if len(row) > 1 else row[0] for row in rows]
    return [row[0] for row in rows], symbols, [row[2] for row in rows] if typed else None


def check_shape(shape: tuple[int, int], files: Triplet, n_features: int, n_barcodes: int) -> None:
    """Refuse a matrix that is not features × barcodes.

    Raises
    ------
    InputError
        Says whether it is transposed, or of other files.
    """
    if shape == (n_features, n_barcodes):
        return
    if shape == (n_barcodes, n_features):
        found = f"it is transposed: {shape[0]} rows for {n_barcodes} barcodes"
        raise at(files.matrix, found, "Write features as rows and barcodes as columns")
    found = (
        f"it is {shape[0]} × {shape[1]}, but {files.features.name} has {n_features} lines and "
        f"{files.barcodes.name} {n_barcodes}"
    )
    mend = "Give three files that were written together"
    sides = ((files.features, n_features, shape[0]), (files.barcodes, n_barcodes, shape[1]))
    for file, n, size in sides:
        if n == size + 1:
            mend = f"If the first line of {file.name} is a header, remove it"
    raise at(files.matrix, found, mend)


def head(files: Triplet, n: int) -> tuple[tuple[int, int], pd.DataFrame]:
    """Return the matrix's shape and its first entries: row, column (from 1), value.

    Raises
    ------
    InputError
        If it is not a MatrixMarket file of coordinates, or an entry is no three numbers.
    """
    found = text_files.lines(files.matrix, n)
    if not found or not found[0].startswith("%%MatrixMarket"):
        raise at(files.matrix, "not a MatrixMarket file", "Copy Cell Ranger's matrix.mtx.gz again")
    if not BANNER.match(found[0]):
        mend = "Write it as coordinates of integer (or whole real) values, general"
        raise at(files.matrix, f"it is {found[0][2:80]!r}", mend)
    body = [line for line in found if line.strip() and not line.startswith("%")]
    sizes = body[0].split() if body else []
    if len(sizes) != 3 or not all(size.isdigit() for size in sizes):
        given = body[0][:60] if body else "nothing"
        raise at(files.matrix, f"no line of three sizes ({given!r})", text_files.COPY)
    entries = pd.DataFrame([line.split() for line in body[1:]], dtype=str)
    numbers = entries.reindex(columns=range(3)).apply(pd.to_numeric, errors="coerce").astype(float)
    strange = numbers[[0, 1]].isna().any(axis=1)
    if strange.any():
        line = body[1 + int(strange.idxmax())]
        raise at(files.matrix, f"an entry is not three numbers ({line[:60]!r})", text_files.COPY)
    rows, columns, n_entries = map(int, sizes)
    if n_entries > rows * columns:
        found = f"{n_entries} entries in {rows} × {columns} cells"
        raise at(files.matrix, found, text_files.COPY)
    return (rows, columns), numbers


def check_entries(shape: tuple[int, int], entries: pd.DataFrame, files: Triplet) -> None:
    """Refuse entries outside the matrix; `shape` and `entries` as `head` returns them.

    Raises
    ------
    InputError
        Names the first, and the mend where rows or columns are counted from 0.
    """
    outside = ~(entries[0].between(1, shape[0]) & entries[1].between(1, shape[1]))
    if outside.any():
        row, column, value = entries[outside].iloc[0]
        found = f"the entry '{row:g} {column:g} {value:g}' is outside {shape[0]} × {shape[1]}"
        mend = "Count rows and columns from 1 on" if 0 in (row, column) else text_files.COPY
        raise at(files.matrix, f"{found}, counted from 1", mend)


def read(files: Triplet) -> Any:
    """Return the matrix, features × barcodes in the file, as CSR barcodes × features."""
    from scipy import io, sparse

    text_files.check_whole(files.matrix)
    try:
        found = io.mmread(files.matrix)
        matrix = sparse.csr_matrix(found.T)
    except (ValueError, OverflowError, OSError) as error:
        found = f"it cannot be read to its end ({text_files.short(error)})"
        raise at(files.matrix, found, text_files.COPY) from None
    if matrix.nnz < found.nnz:
        twice = f"{found.nnz - matrix.nnz} of {found.nnz} entries"
        raise at(files.matrix, f"{twice} are of a gene and cell that had one", text_files.COPY)
    return matrix


def as_features(files: Triplet) -> tuple[np.ndarray, np.ndarray, np.ndarray | None, str]:
    """Return ids, symbols and types as arrays, and the version, "v3" or "v2"."""
    ids, symbols, types = features(files)
    version = "v2" if files.features.name.split(".tsv")[0].endswith("genes") else "v3"
    made = [
        None if part is None else np.array(part, dtype=object) for part in (ids, symbols, types)
    ]
    return made[0], made[1], made[2], version


def matrix_files(path: str | Path) -> list[str]:
    """Return the files of a matrix: itself, or the three text files of a folder or a prefix.

    A folder without the three is returned file by file: what is missing is said elsewhere.
    """
    path = Path(path)
    try:
        if path.is_dir() or is_matrix_name(path):
            return sorted(map(str, find(path)))
    except InputError:
        return sorted(map(str, path.iterdir())) if path.is_dir() else [str(path)]
    return [str(path)]
