"""The marker counts of a cohort's cells, and how likely they are in each state."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from scipy import sparse

from immune_reset.errors import at

SIZE = 1.0  # of the negative binomial: saturates the gain of one very high gene
DEPTH_GRID = 512
SWITCHED = ("IGHG1", "IGHG2", "IGHG3", "IGHG4", "IGHA1", "IGHA2")
TOGETHER = "IGHG+IGHA"  # a switched B cell has one of the constants and lacks the others


@dataclass
class Evidence:
    """Marker counts (cells x genes), all UMIs of each cell, and the genes measured, by sample.

    `soup`: by sample, the ambient level of each gene in UMIs per 10,000; none is as zero.
    """

    counts: sparse.csr_matrix
    totals: np.ndarray
    samples: np.ndarray
    measured: dict[str, np.ndarray]
    soup: dict[str, np.ndarray] = field(default_factory=dict)


def combine(markers: pd.DataFrame, *, place: str = "the marker panel") -> pd.DataFrame:
    """Return the marker table with the switched heavy-chain constants as one marker, `TOGETHER`.

    Columns cell_type, cell_subtype, symbol, level; the levels of what is combined add up.

    Raises
    ------
    InputError
        If a column is missing, a level is no number of 0 or more, or the panel is empty.
    """
    needed = ("cell_type", "cell_subtype", "symbol", "level")
    if missing := [name for name in needed if name not in markers]:
        raise at(place, f"no column {missing[0]!r}", f"Give the columns {', '.join(needed)}")
    level = pd.to_numeric(markers["level"], errors="coerce")
    if wrong := markers.loc[~(level >= 0), "symbol"].tolist():
        raise at(
            place, f"the level of {wrong[0]} is no number of 0 or more", "Give UMIs per 10,000"
        )
    if markers.empty:
        raise at(place, "it holds no marker", "Give one row per cell type and marker")
    symbol = markers["symbol"].mask(markers["symbol"].isin(SWITCHED), TOGETHER)
    keys = ["cell_type", "cell_subtype", "symbol"]
    table = markers.assign(symbol=symbol, level=level).fillna({"cell_subtype": ""})
    return table.groupby(keys, sort=False)["level"].sum().reset_index()


def soup_levels(ambient: pd.DataFrame, totals: pd.Series, symbols: list[str]) -> np.ndarray:
    """Return the level (UMIs per 10,000) that ambient RNA alone gives each of `symbols`.

    `ambient`: symbol and umis (expected in one cell; missing where not estimable); `totals`: all
    UMIs of the sample's cells, whose median stands for a cell.
    """
    names = ambient["symbol"].mask(ambient["symbol"].isin(SWITCHED), TOGETHER)
    umis = ambient["umis"].fillna(0).groupby(names).sum().reindex(symbols, fill_value=0.0)
    return 1e4 * umis.to_numpy(float) / max(float(totals.median()) if len(totals) else 1.0, 1.0)


def gather(
    frames: list[pd.DataFrame], symbols: list[str], ambient: Sequence[pd.DataFrame] = ()
) -> tuple[pd.DataFrame, Evidence, list[str]]:
    """Return the cells (cell_id, sample), their marker counts and the genes counted.

    `frames`: one a sample, cell_id, total_counts and a column per marker that it measures;
    `symbols`: the panel, after `combine`. A marker that a sample does not measure is not a zero
    there. `ambient`: as `soup_levels` takes it, one a sample, or none at all.
    """
    cells, blocks, measured, soup = [], [], {}, {}
    for number, frame in enumerate(frames):
        sample = frame["cell_id"].str.split(":", n=1).str[0]
        cells.append(pd.DataFrame({"cell_id": frame["cell_id"], "sample": sample}))
        constants = [name for name in SWITCHED if name in frame]
        counts = frame.reindex(columns=symbols, fill_value=0)
        if TOGETHER in symbols:
            counts[TOGETHER] = frame[constants].sum(axis=1)
        blocks.append(sparse.csr_matrix(counts.to_numpy(float)))
        there = [bool(constants) if name == TOGETHER else name in frame for name in symbols]
        measured.update(dict.fromkeys(sample.unique(), np.array(there, dtype=bool)))
        if ambient:
            levels = soup_levels(ambient[number], frame["total_counts"], symbols)
            soup.update(dict.fromkeys(sample.unique(), levels))
    table = pd.concat(cells, ignore_index=True)
    totals = pd.concat([f["total_counts"] for f in frames], ignore_index=True).to_numpy(float)
    evidence = Evidence(
        sparse.vstack(blocks, "csr"), totals, table["sample"].to_numpy(), measured, soup
    )
    seen = np.logical_or.reduce(list(measured.values()) or [np.ones(len(symbols), bool)])
    genes = [name for name, some in zip(symbols, seen, strict=True) if some]
    return table, only_genes(evidence, seen), genes


def align_graph(graph: sparse.csr_matrix, order: pd.Series, cells: pd.Series) -> sparse.csr_matrix:
    """Return the neighbour graph with rows and columns in the order of `cells`.

    Raises
    ------
    ValueError
        If the graph lacks a cell.
    """
    at_row = pd.Index(order).get_indexer(cells)
    if (at_row < 0).any():
        raise ValueError(f"the graph lacks {(at_row < 0).sum()} cells")
    return sparse.csr_matrix(graph)[at_row][:, at_row]


def only_genes(evidence: Evidence, genes: np.ndarray) -> Evidence:
    """Return the evidence of some genes alone (`genes`: a mask)."""
    measured = {sample: mask[genes] for sample, mask in evidence.measured.items()}
    soup = {sample: levels[genes] for sample, levels in evidence.soup.items()}
    return Evidence(
        evidence.counts[:, np.flatnonzero(genes)], evidence.totals, evidence.samples, measured, soup
    )


def log_likelihood(evidence: Evidence, level: np.ndarray) -> np.ndarray:
    """Return cells x states log-likelihoods of negative-binomial counts, up to a cell's constant.

    Mean = level x total / 10,000; one size `SIZE` for all genes. A state's level is no lower than
    what ambient RNA alone gives in the sample: leaked transcripts speak for no state. A gene that a
    sample does not measure has no part in the likelihood of its cells.
    """
    out = np.zeros((evidence.counts.shape[0], level.shape[0]))
    depth = np.maximum(evidence.totals, 1) / 1e4
    grid = np.geomspace(depth.min(), depth.max() * (1 + 1e-9), DEPTH_GRID)
    for sample, measured in evidence.measured.items():
        cells = np.flatnonzero(evidence.samples == sample)
        counts = evidence.counts[cells][:, measured].tocsr()
        row = np.repeat(np.arange(len(cells)), np.diff(counts.indptr))
        floor = SIZE / depth[cells][row]
        least = evidence.soup.get(sample, np.zeros(level.shape[1]))
        for k, mean in enumerate(np.maximum(level, least)[:, measured]):
            at = mean[counts.indices]
            seen = np.bincount(row, counts.data * np.log(at / (at + floor)), len(cells))
            unseen = SIZE * np.log1p(np.outer(grid, mean) / SIZE).sum(axis=1)
            out[cells, k] = seen - np.interp(depth[cells], grid, unseen)
    return out
