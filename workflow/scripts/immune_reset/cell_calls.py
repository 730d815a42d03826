"""Bounds of quality control and calls of doublets: the rules that `call_cells` applies."""

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

MAD_TO_SD = 1.4826
"""Makes the median absolute deviation of a normal sample its standard deviation, as R's `mad`."""

MIN_CELLS_ADAPTIVE = 30
"""Barcodes above the fixed bounds below which a median absolute deviation is not trusted."""

MIN_ADAPTIVE_MT = 5.0
"""Percent below which no adaptive mitochondrial bound falls: healthy cells vary there."""

RATE_PER_BARCODE = 0.008 / 1000
"""Doublets expected for each barcode recovered: 0.8 % per 1,000 (10x Genomics' user guides)."""

MAX_RATE = 0.25
"""Largest share of doublets expected without being told; beyond it the matrix is not filtered."""

RATE_MARGIN = 0.02
"""By how much the share called from expression may exceed the expected one (Scrublet's own
standard deviation of the expected rate)."""

MIN_DOUBLET_UMIS = 2
"""UMIs of its best chain that each side of a T-and-B barcode needs: free-floating transcripts,
mostly of plasma cells' light chains, leave single UMIs in barcodes of other cells."""

RECEPTOR_SLOTS = ("VJ_1", "VDJ_1", "VJ_2", "VDJ_2")


def adaptive_bounds(values: ArrayLike, *, nmads: float) -> tuple[float, float]:
    """Return median -/+ `nmads` scaled median absolute deviations of the finite values.

    The outlier rule of McCarthy 2017 (scater's isOutlier). The bounds are infinite where it
    cannot serve: `nmads` 0, fewer than `MIN_CELLS_ADAPTIVE` values, or more than half of the
    values equal (a deviation of 0 would drop every other cell).
    """
    finite = np.asarray(values, dtype=float)
    finite = finite[np.isfinite(finite)]
    if nmads <= 0 or len(finite) < MIN_CELLS_ADAPTIVE:
        return -np.inf, np.inf
    middle = np.median(finite)
    deviation = MAD_TO_SD * np.median(np.abs(finite - middle))
    if deviation == 0:
        return -np.inf, np.inf
    return float(middle - nmads * deviation), float(middle + nmads * deviation)


def quality_thresholds(
    metrics: pd.DataFrame, *, min_counts: float, min_genes: float, max_pct_mt: float, nmads: float
) -> dict[str, float]:
    """Return the thresholds of a sample: the stricter of each fixed and each adaptive bound.

    Adaptive bounds lie on both sides of log1p counts and of log1p genes, and above the
    mitochondrial percentage. They are taken from the barcodes above the fixed minima, so that
    empty droplets do not move them.

    Parameters
    ----------
    metrics
        total_counts, n_genes_by_counts, pct_counts_mt (percent, may be NaN).

    Returns
    -------
    min_counts, min_genes, max_counts, max_genes (inclusive, UMIs and genes) and max_pct_mt.
    """
    likely = metrics.loc[
        (metrics["total_counts"] >= min_counts) & (metrics["n_genes_by_counts"] >= min_genes)
    ]
    low_counts, high_counts = adaptive_bounds(np.log1p(likely["total_counts"]), nmads=nmads)
    low_genes, high_genes = adaptive_bounds(np.log1p(likely["n_genes_by_counts"]), nmads=nmads)
    _, high_mt = adaptive_bounds(likely["pct_counts_mt"], nmads=nmads)
    return {
        "min_counts": max(float(min_counts), float(np.expm1(low_counts))),
        "min_genes": max(float(min_genes), float(np.expm1(low_genes))),
        "max_counts": float(np.expm1(high_counts)),
        "max_genes": float(np.expm1(high_genes)),
        "max_pct_mt": min(float(max_pct_mt), max(high_mt, MIN_ADAPTIVE_MT)),
    }


def doublet_rate(n_barcodes: int, *, given: float | None) -> float:
    """Return the expected share of doublets: the one given, or `RATE_PER_BARCODE` of each."""
    return float(given) if given is not None else min(RATE_PER_BARCODE * n_barcodes, MAX_RATE)


def otsu_split(values: ArrayLike) -> float:
    """Return the value that parts `values` into the two groups furthest apart (Otsu 1979).

    The largest variance between groups, over every cut between two neighbouring values; NaN
    with fewer than two of them.
    """
    ordered = np.sort(np.asarray(values, dtype=float))
    n = len(ordered)
    cuts = np.flatnonzero(np.diff(ordered) > 0) + 1
    if not len(cuts):
        return float("nan")
    below = np.cumsum(ordered)[cuts - 1]
    means = below / cuts, (ordered.sum() - below) / (n - cuts)
    between = cuts * (n - cuts) * (means[0] - means[1]) ** 2
    best = cuts[np.argmax(between)]
    return float((ordered[best - 1] + ordered[best]) / 2)


def score_threshold(
    scores: pd.Series, *, split: float, rate: float, max_score: float | None
) -> float:
    """Return the doublet score above which a barcode is called a doublet from its expression.

    The one given, or the larger of two: `split`, which parts the simulated doublets of unlike
    cells from those of like cells; and the score that no more barcodes exceed than the expected
    share of doublets plus `RATE_MARGIN`. The minimum between the modes of the simulated scores,
    Scrublet's own rule, is often not there in a sample of few hundred cells.

    Parameters
    ----------
    scores
        Scores of the barcodes that passed the quality bounds; NaN where not scored.
    split
        From `score_doublets`; NaN where it could not score.
    rate
        Expected share of doublets.
    max_score
        A threshold given, or None.
    """
    if max_score is not None:
        return float(max_score)
    scored = np.sort(scores.dropna().to_numpy(float))[::-1]
    if not len(scored) or np.isnan(split):
        return float("inf")
    allowed = int(np.floor((rate + RATE_MARGIN) * len(scored)))
    return max(float(split), float(scored[min(allowed, len(scored) - 1)]))


def side_umis(receptors: pd.DataFrame, prefix: str) -> NDArray[np.float64]:
    """Return the largest UMI count of the chains whose locus starts with `prefix` (TR or IG).

    0 where a receptor has no such chain; infinite where it has one whose UMIs are not known.
    """
    best = np.zeros(len(receptors))
    for slot in RECEPTOR_SLOTS:
        if f"{slot}_locus" not in receptors:
            continue
        here = receptors[f"{slot}_locus"].astype("string").str.startswith(prefix)
        umis = pd.to_numeric(receptors[f"{slot}_umi_count"]).astype("float64").fillna(np.inf)
        best = np.maximum(best, np.where(here.fillna(False).astype(bool), umis, 0))
    return best


def receptor_doublets(receptors: pd.DataFrame, *, alike: pd.Series) -> NDArray[np.bool_]:
    """Return which receptors are those of a T and a B cell in one droplet.

    A barcode with accepted chains of both (receptor_type ambiguous) is one if each side has a
    chain of at least `MIN_DOUBLET_UMIS` UMIs, or if its expression, too, is like that of the
    simulated doublets of unlike cells (`alike`).
    """
    both = (receptors["receptor_type"] == "ambiguous").fillna(False).to_numpy(bool)
    weaker = np.minimum(side_umis(receptors, "TR"), side_umis(receptors, "IG"))
    return both & ((weaker >= MIN_DOUBLET_UMIS) | alike.to_numpy(bool))
