"""Somatic hypermutation from alignment columns: the identity of a V gene with its germline.

Where a contig table gives no `v_identity`, it is counted from the aligned sequences: positions at
which both the read and the germline have one of A, C, G, T; gaps (`.` or `-`), N and whatever else
is masked are left out of both sides of the share. scirpy's `mutational_load` counts the same
mismatches (held in the tests), but divides them by the length with its gaps and masked positions,
and stops at a pair of different lengths, which Cell Ranger's own AIRR tables are full of.
"""

import numpy as np
import pandas as pd
from numpy.typing import NDArray

IMGT_V_END = 312  # the last position of codon 104, by the IMGT unique numbering
V_PAIR = ("v_sequence_alignment", "v_germline_alignment")
GERMLINES = ("germline_alignment_d_mask", "germline_alignment")
BASES = np.frombuffer(b"ACGT", dtype=np.uint8)


def count_mismatches(
    sequences: pd.Series, germlines: pd.Series
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the mismatches and the compared positions of each pair of aligned sequences.

    Both 0 where one of the two is missing or empty, or their lengths differ: such a pair is not
    aligned.
    """
    left, right = (_plain(values) for values in (sequences, germlines))
    lengths = left.str.len().to_numpy()
    usable = np.flatnonzero((lengths == right.str.len().to_numpy()) & (lengths > 0))
    mismatches, compared = (np.zeros(len(left), dtype=np.int64) for _ in range(2))
    if not len(usable):
        return mismatches, compared
    a, b = (_letters(values.iloc[usable]) for values in (left, right))
    both = np.isin(a, BASES) & np.isin(b, BASES)
    starts = np.concatenate([[0], np.cumsum(lengths[usable])[:-1]]).astype(np.int64)
    compared[usable] = np.add.reduceat(both.astype(np.int64), starts)
    mismatches[usable] = np.add.reduceat((both & (a != b)).astype(np.int64), starts)
    return mismatches, compared


def v_identity(table: pd.DataFrame) -> pd.Series:
    """Return the share of V positions that agree with germline, by the alignment columns.

    Parameters
    ----------
    table
        A contig table as text. Looked for, a contig at a time: `v_sequence_alignment` with
        `v_germline_alignment`; else `sequence_alignment` with `germline_alignment_d_mask` or
        `germline_alignment`, of which the V part is `v_alignment_start` to `v_alignment_end`
        (from 1), or, where the germline has IMGT's gaps (`.`), positions 1 to 312.

    Returns
    -------
    Share of 1; NaN where there is no such pair, where its two sides differ in length, where the V
    part cannot be told from the rest, or where no position can be compared.
    """
    found = pd.Series(np.nan, index=table.index)
    pairs = [V_PAIR] if set(V_PAIR) <= set(table) else []
    pairs += [
        ("sequence_alignment", g) for g in GERMLINES if {"sequence_alignment", g} <= set(table)
    ]
    for sequence, germline in pairs:
        left, right = _plain(table[sequence]), _plain(table[germline])
        if sequence != V_PAIR[0]:
            left, right = _v_part(left, right, table)
        mismatches, compared = count_mismatches(left, right)
        with np.errstate(invalid="ignore", divide="ignore"):
            identity = 1 - mismatches / compared
        found = found.fillna(pd.Series(identity, index=table.index))
    return found


def _plain(values: pd.Series) -> pd.Series:
    return values.astype(object).where(values.notna(), "").astype(str).str.upper()


def _letters(values: pd.Series) -> NDArray[np.uint8]:
    return np.frombuffer("".join(values).encode("ascii", "replace"), dtype=np.uint8)


def _v_part(left: pd.Series, right: pd.Series, table: pd.DataFrame) -> tuple[pd.Series, pd.Series]:
    """Return the V parts of whole alignments; "" where they cannot be told from the rest."""
    imgt = right.str.contains(".", regex=False)
    start = pd.Series(1.0, index=table.index)
    end = pd.Series(np.where(imgt, IMGT_V_END, np.nan), index=table.index)
    if {"v_alignment_start", "v_alignment_end"} <= set(table):
        named = [
            pd.to_numeric(table[f"v_alignment_{side}"], errors="coerce")
            for side in ("start", "end")
        ]
        start, end = named[0].fillna(start), named[1].fillna(end)
    same = (left.str.len() == right.str.len()).to_numpy()
    spans = zip(start.to_numpy(), np.where(same, end, np.nan), strict=True)
    cuts = [slice(0, 0) if np.isnan(e) else slice(int(s) - 1, int(e)) for s, e in spans]
    return tuple(
        pd.Series([text[cut] for text, cut in zip(side, cuts, strict=True)], index=table.index)
        for side in (left, right)
    )
