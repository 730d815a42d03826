"""The head of a count matrix: its barcodes and genes whole, its first values alone."""

from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pandas as pd

from immune_reset import genomes, h5ad_files, text_files, triplets
from immune_reset.barcodes import core
from immune_reset.errors import InputError, at
from immune_reset.h5ad_files import texts

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

MIN_ONES = 1000
"""Values that are all 1 from which they are no counts: housekeeping genes have more in any cell."""

MAX_CELLS = 200_000
"""Barcodes of a matrix beyond which it is the unfiltered one: no library has so many cells."""

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

    @cached_property
    def marks_by_core(self) -> Marks:
        """The marks by the barcode's sequence alone."""
        return {core(name): mark for name, mark in self.marks.items()}

    @cached_property
    def place(self) -> Path:
        """Where the matrix lies, links followed."""
        return self.path.resolve()


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
            if h5ad_files.is_h5ad(file):
                return _h5ad_head(file, path)
            return _tenx_head(file, path)
    except InputError:
        raise
    except UNREADABLE as error:
        opened = h5py.is_hdf5(path) and isinstance(error, (KeyError, TypeError, ValueError))
        said = "its parts are not those of a matrix" if opened else "cannot be opened as HDF5"
        raise at(path, f"{said} ({text_files.short(error)})", text_files.COPY) from None


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
        own = texts(group["barcodes"])
        columns = [np.array(texts(group[name]), dtype=object) for name in keys[4:]]
        _check_lengths(group, len(own), len(columns[0]), path)
        values = group["data"][:PEEK]
        if own and len(columns[0]):
            check_counts(values, path)
        marks.update(_marks(own, group["indptr"][: PEEK + 1], values))
        parts.append(genomes.harmonised(*columns))
        names.append(own)
    if len(tables) == 1:
        return Head(path, names[0], parts[0], marks)
    features = pd.concat(parts, ignore_index=True)
    types = features["feature_type"].to_numpy(object)
    features = genomes.harmonised(features["gene_id"].array, features["symbol"].array, types)
    human = [number for number, part in enumerate(parts) if not genomes.foreign(part)]
    return Head(path, names[human[0] if human else 0], features)


def _check_lengths(group: h5py.Group, n_cells: int, n_features: int, path: Path) -> None:
    shape = tuple(int(n) for n in group["shape"][:])
    if shape == (n_cells, n_features) != (n_features, n_cells):
        mend = "Write features as rows and barcodes as columns"
        raise at(path, f"it is transposed: shape {shape} with {n_cells} barcodes", mend)
    if shape != (n_features, n_cells) or not h5ad_files.parts_agree(group, n_cells):
        found = f"its parts disagree: shape {shape}, {n_features} features, {n_cells} barcodes"
        raise at(path, f"{found}, {len(group['data'])} values", text_files.COPY)


def _h5ad_head(file: h5py.File, path: Path) -> Head:
    barcodes = h5ad_files.index(file["obs"])
    tried = []
    for found in h5ad_files.matrices(file, path):
        values = h5ad_files.first_values(found.node, PEEK)
        fault = first_fault(values)
        if fault:
            tried.append(f"{found.name} ({fault})")
            continue
        by_cell = isinstance(found.node, h5py.Group) and not h5ad_files.is_csc(found.node)
        ends = found.node["indptr"][: PEEK + 1] if by_cell else np.zeros(1, int)
        features = h5ad_files.features(file[found.var])
        return Head(path, barcodes, features, _marks(barcodes, ends, values))
    raise h5ad_files.no_counts(tried, file, path)


def _triplet_head(files: triplets.Triplet, place: Path) -> Head:
    shape, entries = triplets.head(files, PEEK)
    barcodes = triplets.barcodes(files)
    ids, symbols, types, _ = triplets.as_features(files)
    triplets.check_shape(shape, files, len(ids), len(barcodes))
    triplets.check_entries(shape, entries, files)
    check_counts(entries[2].to_numpy(float), files.matrix)
    if files.matrix.stat().st_size < WHOLE_BELOW:
        text_files.check_whole(files.matrix)
    cells = entries[1].to_numpy()
    marks: Marks = {}
    if len(cells) and (np.diff(cells) >= 0).all():
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


def first_fault(values: Any) -> str:
    """Return why values are no counts, or "": one that is none, or nothing but zeros or ones."""
    if getattr(values, "dtype", np.dtype(float)).kind not in "biuf":
        return f"values of type {values.dtype}"
    values = np.asarray(values, dtype=float)
    wrong = values[~np.isfinite(values) | (values < 0) | (values != np.round(values))]
    return f"such as {wrong[0]:.6g}" if len(wrong) else hollow(values)


def hollow(values: np.ndarray) -> str:
    """Return why whole values are still no counts, or ""."""
    given = values[values > 0]
    if not len(given):
        return "no value is above 0"
    if len(given) >= MIN_ONES and given.max() == 1:
        return "every value is 1: which genes were seen, not how often"
    return ""


def check_counts(values: np.ndarray, path: str | Path, *, first: bool = True) -> None:
    """Refuse values (the `first` of a matrix, or all) that are no counts, or beyond `MAX_COUNT`.

    Raises
    ------
    InputError
        Says how many are negative, not whole or not finite, and the first of them; or that all are
        zeros, or ones.
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
    if fault := hollow(values):
        raise at(path, f"it holds no counts: {fault}", COUNTS)


def check_filtered(n: int, path: str | Path) -> None:
    """Refuse a matrix of so many barcodes that most are empty droplets.

    Raises
    ------
    InputError
        Says how many there are.
    """
    if n > MAX_CELLS:
        found = f"{n:,} barcodes, more than any library has cells: it is the unfiltered matrix"
        raise at(path, found, "Give the filtered one in gex; this one can stand in raw_gex")


def _check_names(head: Head) -> None:
    genomes.check_axes(head.barcodes, head.features, place=head.path)
    twice = pd.Index(head.barcodes)
    twice = twice[twice.duplicated()]
    if len(twice):
        mend = "Give one library a file, or make the barcodes distinct"
        raise at(head.path, f"barcode {twice[0]!r} occurs more than once", mend)
