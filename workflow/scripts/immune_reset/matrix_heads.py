"""The head of a count matrix: its barcodes and genes whole, its first values alone."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pandas as pd

from immune_reset import genomes, text_files, triplets
from immune_reset.errors import InputError, at

V3 = ("data", "indices", "indptr", "shape", "features/id", "features/name", "features/feature_type")
V2 = ("data", "indices", "indptr", "shape", "genes", "gene_names")
PEEK = 100_000
"""Values looked at: those of the first 50 cells or more."""

WHOLE_BELOW = 16 << 20
"""Bytes of a gzipped matrix.mtx below which it is read to its end."""

UNREADABLE = (OSError, KeyError, RuntimeError, ValueError, TypeError, IndexError, AttributeError)
KINDS = triplets.MEND
COUNTS = "Give the raw counts (in an h5ad: X, layers['counts'] or raw)"
MAX_COUNT = 1 << 24
"""UMIs of one gene in one cell that float32 still holds exactly; no library comes near."""

Marks = dict[str, tuple[int, float]]


@dataclass(frozen=True)
class Head:
    """What is known of a matrix before it is read.

    `features`: gene_id, symbol, feature_type. `marks`: for the cells whose values were all looked
    at, barcode -> (number of values, their sum).
    """

    path: Path
    barcodes: list[str]
    features: pd.DataFrame
    marks: Marks = field(default_factory=dict)


def read_head(path: Path) -> Head:
    """Return the head of a count matrix: 10x `.h5`, `.h5ad`, 10x folder or prefixed files.

    Raises
    ------
    InputError
        If the file is cut, of another kind, transposed, of another species, without genes or
        cells, with a barcode twice, or if its first values are no counts.
    """
    if path.is_dir() or triplets.is_matrix_name(path):
        head = _triplet_head(triplets.find(path), path)
    elif not path.exists():
        raise at(path, "no such file or folder", "Correct the path in the column gex of the sheet")
    elif path.suffix not in (".h5", ".h5ad", ".hdf5") and not h5py.is_hdf5(path):
        raise at(path, "not a count matrix by its name", KINDS)
    else:
        head = _hdf5_head(path)
    _check_names(head)
    return head


def _hdf5_head(path: Path) -> Head:
    try:
        with h5py.File(path, "r") as file:
            if "obs" in file and "var" in file:
                return _h5ad_head(file, path)
            return _tenx_head(file, path)
    except InputError:
        raise
    except UNREADABLE as error:
        found = f"cannot be opened as HDF5 ({text_files.short(error)})"
        raise at(path, found, text_files.COPY) from None


def _tenx_head(file: h5py.File, path: Path) -> Head:
    groups = [file[name] for name in file if isinstance(file[name], h5py.Group)]
    tables = [group for group in groups if "barcodes" in group and "indptr" in group]
    if not tables:
        found = f"HDF5, but neither a 10x matrix nor an h5ad (it holds {sorted(file)})"
        raise at(path, found, "give Cell Ranger's filtered_feature_bc_matrix.h5")
    parts, names, marks = [], [], {}
    for group in tables:
        keys = V3 if "features" in group else V2
        missing = [name for name in keys if name not in group]
        if missing:
            found = f"a 10x matrix without '{group.name}/{missing[0]}'"
            raise at(path, found, "Give filtered_feature_bc_matrix.h5 as Cell Ranger wrote it")
        own = [text(name) for name in group["barcodes"][:]]
        columns = [np.array([text(v) for v in group[name][:]], object) for name in keys[4:]]
        _check_lengths(group, len(own), len(columns[0]), path)
        values = group["data"][:PEEK]
        check_counts(values, path)
        marks.update(_marks(own, group["indptr"][: PEEK + 1], values))
        parts.append(genomes.harmonised(*columns))
        names.append(own)
    features = pd.concat(parts, ignore_index=True)
    types = features["feature_type"].to_numpy(object)
    features = genomes.harmonised(features["gene_id"].array, features["symbol"].array, types)
    human = [number for number, part in enumerate(parts) if not genomes.foreign(part)]
    return Head(path, names[human[0] if human else 0], features, marks if len(tables) == 1 else {})


def _check_lengths(group: h5py.Group, n_cells: int, n_features: int, path: Path) -> None:
    sizes = {name: int(group[name].shape[0]) for name in ("data", "indices", "indptr")}
    shape = tuple(int(n) for n in group["shape"][:])
    if shape == (n_cells, n_features) != (n_features, n_cells):
        mend = "Write features as rows and barcodes as columns"
        raise at(path, f"it is transposed: shape {shape} with {n_cells} barcodes", mend)
    agree = shape == (n_features, n_cells) and sizes["indptr"] == n_cells + 1
    if not (agree and sizes["data"] == sizes["indices"]):
        found = f"its parts disagree: shape {shape}, {n_features} features, {n_cells} barcodes"
        raise at(path, f"{found}, {sizes['data']} values", text_files.COPY)


def _h5ad_head(file: h5py.File, path: Path) -> Head:
    barcodes = _index(file["obs"])
    tried = []
    for name, var in (("X", "var"), ("layers/counts", "var"), ("raw/X", "raw/var")):
        if name not in file:
            continue
        tried.append(name)
        node = file[name]
        dense = isinstance(node, h5py.Dataset)
        values = node[:50].ravel() if dense else node["data"][:PEEK]
        if whole(values):
            marks: Marks = {}
            if not dense and node.attrs.get("encoding-type") == "csr_matrix":
                marks = _marks(barcodes, node["indptr"][: PEEK + 1], values)
            return Head(path, barcodes, _h5ad_features(file[var]), marks)
    found = f"none of {', '.join(tried) or 'X'} holds whole, non-negative counts"
    mend = "Store the raw counts as X, as layers['counts'] or as raw"
    raise at(path, f"{found}; they look normalised", mend)


def _index(table: h5py.Group) -> list[str]:
    """Return the index of an h5ad's table, stored as strings or as a masked array."""
    node = table[str(table.attrs.get("_index", "_index"))]
    return [text(name) for name in (node["values"] if isinstance(node, h5py.Group) else node)[:]]


def _h5ad_features(table: h5py.Group) -> pd.DataFrame:
    names = np.array(_index(table), dtype=object)

    def column(wanted: tuple[str, ...]) -> np.ndarray | None:
        name = next((name for name in wanted if name in table), None)
        if name is None:
            return None
        node = table[name]
        if isinstance(node, h5py.Group) and "codes" in node:
            kinds = np.array([text(value) for value in node["categories"][:]], dtype=object)
            return kinds[node["codes"][:]]
        node = node["values"] if isinstance(node, h5py.Group) else node
        return np.array([text(value) for value in node[:]], dtype=object)

    ids, symbols = column(triplets.ID_COLUMNS), column(triplets.SYMBOL_COLUMNS)
    return genomes.harmonised(
        names if ids is None else ids,
        names if symbols is None else symbols,
        column(triplets.TYPE_COLUMNS),
    )


def _triplet_head(files: triplets.Triplet, place: Path) -> Head:
    shape, entries = triplets.head(files, PEEK)
    check_counts(entries[2].to_numpy(float), files.matrix)
    barcodes = triplets.barcodes(files)
    ids, symbols, types, _ = triplets.as_features(files)
    triplets.check_shape(shape, files, len(ids), len(barcodes))
    if files.matrix.stat().st_size < WHOLE_BELOW:
        text_files.check_whole(files.matrix)
    cells = entries[1].to_numpy()
    marks: Marks = {}
    if len(cells) and (np.diff(cells) >= 0).all() and cells[0] >= 1 and cells[-1] <= len(barcodes):
        sums = entries.groupby(1)[2].agg(["size", "sum"]).iloc[:-1]
        marks = {
            barcodes[int(cell) - 1]: (int(n), float(total))
            for cell, n, total in zip(sums.index, sums["size"], sums["sum"], strict=True)
        }
    return Head(place, barcodes, genomes.harmonised(ids, symbols, types), marks)


def _marks(barcodes: list[str], indptr: np.ndarray, values: np.ndarray) -> Marks:
    whole_cells = int(np.searchsorted(indptr, len(values), side="right")) - 1
    whole_cells = max(min(whole_cells, len(barcodes)), 0)
    starts = indptr[:whole_cells].astype(int)
    sizes = np.diff(indptr[: whole_cells + 1])
    totals = np.concatenate([[0], np.cumsum(values.astype(float))])
    sums = totals[starts + sizes] - totals[starts]
    return {
        name: (int(n), float(total))
        for name, n, total in zip(barcodes[:whole_cells], sizes, sums, strict=True)
    }


def whole(values: Any) -> bool:
    """Return whether all values are finite, whole and not negative."""
    values = np.asarray(values, dtype=float)
    return bool((np.isfinite(values) & (values >= 0) & (values == np.round(values))).all())


def check_counts(values: np.ndarray, path: str | Path, *, first: bool = True) -> None:
    """Refuse values (the `first` of a matrix, or all) that are no counts, or beyond `MAX_COUNT`.

    Raises
    ------
    InputError
        Says how many are negative, not whole or not finite, and the first of them.
    """
    values = np.asarray(values, dtype=float)
    wrong = values[~np.isfinite(values) | (values < 0) | (values != np.round(values))]
    said = f"of its first {len(values)} values" if first else f"of {len(values)} values"
    if len(wrong):
        found = (
            f"{len(wrong)} {said} are not whole counts, such as "
            f"{wrong[0]:.6g}; the matrix looks normalised, log-transformed or corrected"
        )
        raise at(path, found, COUNTS)
    huge = values[values > MAX_COUNT]
    if len(huge):
        found = f"{len(huge)} {said} are beyond {MAX_COUNT:,} UMIs, such as {huge[0]:.6g}"
        raise at(path, found, COUNTS)


def _check_names(head: Head) -> None:
    genomes.check_axes(head.barcodes, head.features, place=head.path)
    twice = pd.Index(head.barcodes)
    twice = twice[twice.duplicated()]
    if len(twice):
        mend = "Give one library a file, or make the barcodes distinct"
        raise at(head.path, f"barcode {twice[0]!r} occurs more than once", mend)


def text(name: Any) -> str:
    """Return a name that HDF5 stores as bytes or as text."""
    return name.decode() if isinstance(name, bytes) else str(name)
