"""A cohort's files: their contents as bytes, identical for identical data, and their writing."""

import gzip
import io
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

import h5py
import numpy as np
import pandas as pd
from scipy import sparse

from immune_reset.simulation.panel import Panel

GENOME = "GRCh38"


class Piece(NamedTuple):
    """Content of one file, relative to the cohort's folder; `append` adds to what is there."""

    path: str
    content: bytes
    append: bool = False


def matrix_h5(
    counts: sparse.csr_matrix, barcodes: np.ndarray, panel: Panel, genes: np.ndarray
) -> bytes:
    """Return a Cell Ranger (version 3 and later) HDF5 matrix of droplets x genes `counts`.

    `genes` are the columns of the panel that are written.
    """
    if len(genes) < counts.shape[1]:
        counts = counts[:, genes]
        counts.sort_indices()
    buffer = io.BytesIO()
    packed = {"compression": "gzip", "compression_opts": 1, "shuffle": True}
    with h5py.File(buffer, "w") as handle:
        handle.attrs["chemistry_description"] = np.bytes_("Single Cell 5' R2-only")
        handle.attrs["filetype"] = np.bytes_("matrix")
        handle.attrs["version"] = np.int64(2)
        group = handle.create_group("matrix")
        group.create_dataset("barcodes", data=np.asarray(barcodes, dtype="S"), **packed)
        group.create_dataset("data", data=counts.data.astype(np.int32), **packed)
        group.create_dataset("indices", data=counts.indices.astype(np.int64), **packed)
        group.create_dataset("indptr", data=counts.indptr.astype(np.int64), **packed)
        group.create_dataset("shape", data=np.array(counts.shape[::-1], dtype=np.int32))
        features = group.create_group("features")
        features.create_dataset("_all_tag_keys", data=np.array([b"genome"]))
        columns = {
            "feature_type": ["Gene Expression"] * len(genes),
            "genome": [GENOME] * len(genes),
            "id": [panel.ids[i] for i in genes],
            "name": [panel.symbols[i] for i in genes],
        }
        for name, values in columns.items():
            features.create_dataset(name, data=np.array(values, dtype="S"), **packed)
    return buffer.getvalue()


def tsv(frame: pd.DataFrame, *, header: bool = True) -> bytes:
    """Return a table as TSV; missing values are empty, fractions have six significant digits."""
    return frame.to_csv(
        sep="\t", index=False, header=header, lineterminator="\n", float_format="%.6g"
    ).encode()


def gzipped(content: bytes) -> bytes:
    """Return `content` as a gzip member without a time stamp; members may be put in a row."""
    return gzip.compress(content, compresslevel=6, mtime=0)


def csv(frame: pd.DataFrame) -> bytes:
    """Return a table as CSV."""
    return frame.to_csv(index=False, lineterminator="\n").encode()


def write_cohort(pieces: Iterable[Piece], out: Path) -> None:
    """Write a cohort's files as they come; a file gets its name only when it is whole."""
    begun: set[Path] = set()
    for piece in pieces:
        path = out / f"{piece.path}.partial"
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("ab" if path in begun else "wb") as handle:
            handle.write(piece.content)
        begun.add(path)
        if not piece.append:
            path.replace(path.with_suffix(""))
            begun.discard(path)
    for path in sorted(begun):
        path.replace(path.with_suffix(""))
