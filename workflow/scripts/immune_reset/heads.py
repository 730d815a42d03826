"""A look at the head of every input file, so that what cannot work stops before any job runs."""

import csv
import gzip
from functools import cache
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pandas as pd

from immune_reset import contigs
from immune_reset.errors import at

Row = dict[str, Any]
CELL_RANGER = ("barcode", "chain", "v_gene", "j_gene", "productive", "cdr3", "cdr3_nt", "umis")
AIRR = ("cell_id", "locus", "v_call", "j_call", "productive", "junction", "junction_aa")
MATRIX_NAMES = (("matrix.mtx",), ("barcodes.tsv",), ("features.tsv", "genes.tsv"))
V3 = ("data", "indices", "indptr", "shape", "features/id", "features/name", "features/feature_type")
V2 = ("data", "indices", "indptr", "shape", "genes", "gene_names")
PEEK = 2000
PEEK_VALUES = 100_000


def check_heads(rows: list[Row], made: set[str]) -> None:
    """Refuse files that are truncated, of another kind, or that belong to other cells.

    Parameters
    ----------
    rows
        Rows of the sample sheet, paths resolved.
    made
        Paths that a rule of the workflow writes; they are not looked at.

    Raises
    ------
    InputError
        Names the file, what was found in it and the mend.
    """
    for row in rows:
        cells = None
        if "gex" in row and row["gex"] not in made:
            cells = _looked(Path(row["gex"]), "", _stamp(Path(row["gex"])))
        for column in ("bcr", "tcr"):
            if column in row and row[column] not in made:
                path = Path(row[column])
                found = _looked(path, column, _stamp(path))
                if cells is not None and found:
                    _check_match(found, cells, Path(row[column]), Path(row["gex"]))


@cache
def _looked(path: Path, column: str, stamp: tuple) -> set[str]:
    """Return the barcodes of a file in the state `stamp`, which one process looks at once."""
    return contig_barcodes(path, column) if column else matrix_barcodes(path)


def _stamp(path: Path) -> tuple:
    files = sorted(path.iterdir()) if path.is_dir() else [path]
    states = [file.stat() for file in files if file.exists()]
    return (Path.cwd(), *((state.st_mtime_ns, state.st_size, state.st_ino) for state in states))


def _check_match(found: set[str], cells: set[str], contigs: Path, matrix: Path) -> None:
    if found & cells:
        return
    raise at(
        contigs,
        f"none of its first {len(found)} barcodes is in {matrix} "
        f"(here {min(found)}, there {min(cells) if cells else 'none'})",
        "give the contigs of the same library, with barcodes written the same way (suffix -1)",
    )


def matrix_barcodes(path: Path) -> set[str]:
    """Return the barcodes of a count matrix: 10x `.h5`, `.h5ad` or 10x folder."""
    if path.is_dir():
        return _folder_barcodes(path)
    if path.suffix not in (".h5", ".h5ad"):
        raise at(path, "not a count matrix by its name", "give a 10x .h5, a 10x folder or an .h5ad")
    try:
        with h5py.File(path, "r") as file:
            return _h5_barcodes(file, path)
    except (OSError, KeyError, RuntimeError) as error:
        raise at(
            path,
            f"cannot be opened as HDF5 ({_short(error)})",
            "copy the file again; it is cut or damaged",
        ) from None


def _h5_barcodes(file: h5py.File, path: Path) -> set[str]:
    if "obs" in file and "var" in file:
        _check_h5ad_values(file, path)
        index = file["obs"].attrs.get("_index", "_index")
        return _distinct([file["obs"][index][:]], path)
    groups = [file[name] for name in file if isinstance(file[name], h5py.Group)]
    tables = [group for group in groups if "barcodes" in group and "indptr" in group]
    if not tables:
        raise at(
            path,
            f"HDF5, but neither a 10x matrix nor an h5ad (it holds {sorted(file)})",
            "give Cell Ranger's filtered_feature_bc_matrix.h5",
        )
    for group in tables:
        missing = [name for name in (V3 if "features" in group else V2) if name not in group]
        if missing:
            found = f"a 10x matrix without '{group.name}/{missing[0]}'"
            raise at(path, found, "Give filtered_feature_bc_matrix.h5 as Cell Ranger wrote it")
        _check_counts(group["data"][:PEEK_VALUES], path)
    return _distinct([group["barcodes"][:] for group in tables], path)


def _distinct(groups: list[np.ndarray], path: Path) -> set[str]:
    cells = [[_text(name) for name in names] for names in groups]
    for names in cells:
        if len(set(names)) < len(names):
            twice = pd.Series(names)[pd.Series(names).duplicated()].iloc[0]
            mend = "Give one library a file, or make the barcodes distinct"
            raise at(path, f"barcode {twice!r} occurs more than once", mend)
    return {name for names in cells for name in names}


def _whole(values: np.ndarray) -> bool:
    return bool((np.isfinite(values) & (values >= 0) & (values == np.round(values))).all())


def _check_counts(values: np.ndarray, path: Path) -> None:
    wrong = values[~np.isfinite(values) | (values < 0) | (values != np.round(values))]
    if len(wrong):
        found = (
            f"{len(wrong)} of its first {len(values)} values are not whole counts, such as "
            f"{wrong[0]:.6g}; the matrix looks normalised, log-transformed or corrected"
        )
        raise at(path, found, "Give the raw counts")


def _check_h5ad_values(file: h5py.File, path: Path) -> None:
    places = [name for name in ("X", "layers/counts", "raw/X") if name in file]
    heads = []
    for name in places:
        node = file[name]
        dense = isinstance(node, h5py.Dataset)
        heads.append(node[:50].ravel() if dense else node["data"][:PEEK_VALUES])
    if not any(_whole(values) for values in heads):
        found = f"none of {', '.join(places) or 'X'} holds whole, non-negative counts"
        mend = "Store the raw counts as X, as layers['counts'] or as raw"
        raise at(path, f"{found}; they look normalised", mend)


def _folder_barcodes(folder: Path) -> set[str]:
    places = []
    for names in MATRIX_NAMES:
        found = [folder / (name + end) for name in names for end in ("", ".gz")]
        present = [path for path in found if path.is_file()]
        if not present:
            holds = sorted(path.name for path in folder.iterdir())[:5]
            raise at(
                folder,
                f"no {names[0]}[.gz] in this folder (it holds {holds})",
                "give the folder filtered_feature_bc_matrix itself",
            )
        places.append(present[0])
    head = _first_lines(places[0], PEEK)
    if not head or not head[0].startswith("%%MatrixMarket"):
        raise at(places[0], "not a MatrixMarket file", "copy Cell Ranger's matrix.mtx.gz again")
    sizes, *entries = [line.split() for line in head if line and not line.startswith("%")] or [[]]
    values = pd.to_numeric(pd.Series([entry[-1] for entry in entries], dtype=str), "coerce")
    _check_counts(values.to_numpy(float), places[0])
    cells = [line.split("\t")[0] for line in _first_lines(places[1], None) if line.strip()]
    if len(sizes) == 3 and sizes[1] != str(len(cells)):
        found = f"it has {len(cells)} lines, but {places[0].name} {sizes[1]} columns"
        raise at(places[1], found, "Give three files that were written together")
    return _distinct([np.array(cells, dtype=object)], places[1])


def contig_barcodes(path: Path, column: str) -> set[str]:
    """Return the first barcodes of a contig table whose columns and first rows were checked.

    A table with a header and no row is an empty repertoire, not an error.
    """
    lines = _first_lines(path, PEEK)
    if not lines:
        raise at(path, "the file is empty", "give a contig table; one without contigs has a header")
    delimiter = "\t" if lines[0].count("\t") > lines[0].count(",") else ","
    header = next(csv.reader([lines[0].lstrip("\ufeff")], delimiter=delimiter))
    header = [name.strip() for name in header]
    needed = AIRR if "junction" in header or "rearrangement_id" in header else CELL_RANGER
    missing = [name for name in needed if name not in header]
    if missing:
        raise at(
            path,
            f"no column '{missing[0]}' in its header ({', '.join(header[:8])} ...)",
            "give Cell Ranger's filtered_contig_annotations.csv or an AIRR rearrangement table",
        )
    table = _contig_rows(lines, header, delimiter, path)
    receptor = column.upper()
    try:
        contigs.parse(table, path=str(path), receptor=receptor)
    except contigs.OtherReceptor:
        if len(lines) == PEEK:  # its chains of this receptor may stand further down
            whole = _contig_rows(_first_lines(path, None), header, delimiter, path)
            contigs.parse(whole, path=str(path), receptor=receptor)
        else:
            raise
    return set(table[needed[0]]) - {""}


def _contig_rows(lines: list[str], header: list[str], delimiter: str, path: Path) -> pd.DataFrame:
    rows = list(csv.reader(lines[1:], delimiter=delimiter))
    for number, row in enumerate(rows, start=2):
        if len(row) > len(header):
            found = f"{len(row)} cells under {len(header)} columns"
            raise at(f"{path}, line {number}", found, "Copy the file again; it is cut or damaged")
    filled = [row + [""] * (len(header) - len(row)) for row in rows if row]
    return pd.DataFrame(filled, columns=header, dtype=str)


def _first_lines(path: Path, n: int | None) -> list[str]:
    opener = gzip.open if path.suffix == ".gz" else open
    try:
        with opener(path, "rt", encoding="utf-8") as file:
            lines = []
            for line in file:
                lines.append(line.rstrip("\r\n"))
                if n is not None and len(lines) == n:
                    break
            return lines
    except (OSError, EOFError, UnicodeDecodeError) as error:
        raise at(
            path, f"cannot be read ({_short(error)})", "copy the file again; it is cut or damaged"
        ) from None


def _text(name: Any) -> str:
    return name.decode() if isinstance(name, bytes) else str(name)


def _short(error: Exception) -> str:
    return str(error).split("\n")[0][:120] or type(error).__name__
