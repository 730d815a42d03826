"""What became of clones: found or missed, larger or smaller, and the baseline's clones as a group.

All of it rests on numbers of cells: of N cells with a receptor at baseline X are of the clone, of n
at follow-up Y. It covers the sampling of cells, in one patient, and nothing else.
"""

import math
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
import scipy
from numpy.typing import ArrayLike, NDArray
from scipy import special

from immune_reset.intervals import clopper_pearson, wilson
from immune_reset.multiplicity import bh

Floats = NDArray[np.float64]
MIN_FOLLOWUP = 5  # cells at follow-up below which that share is not compared
MIN_CELLS = 3  # cells without which no clone is called eradicated or new

ERADICATED, BELOW, CONTRACTED, STABLE, EXPANDED, NEW, RETURNED, UNTESTED = FATES = (
    "eradicated", "below detection", "contracted", "stable", "expanded", "new", "returned",
    "too few to test",
)  # fmt: skip


def share_lower(x: ArrayLike, total: int, alpha: float = 0.05) -> Floats:
    """Return the one-sided lower bound of a clone's share: BetaInv(alpha; X, N - X + 1).

    Clopper and Pearson's exact bound; 0 where X is 0.
    """
    x = np.asarray(x, dtype=float)
    bound = np.zeros(x.shape)
    some = x > 0
    bound[some] = special.betaincinv(x[some], total - x[some] + 1, alpha)
    return bound


def miss_chance(x: ArrayLike, total: int, depth: int) -> Floats:
    """Return the largest chance that `depth` cells hold none of a clone seen `x` times in `total`.

    (1 - p)^depth at the lower bound p of its share. The share itself in place of the bound calls
    44 % of the persisting clones eradicated that qualify for the test; the bound, .6 %.
    """
    return np.exp(depth * np.log1p(-share_lower(x, total)))


def detection_limit(depth: int, alpha: float = 0.05) -> float:
    """Return the largest share that a clone unseen in `depth` cells may hold: 1 - alpha^(1/n)."""
    return -math.expm1(math.log(alpha) / depth) if depth > 0 else 1.0


def exact_p(x: ArrayLike, y: ArrayLike, total: int, depth: int) -> Floats:
    """Return Fisher's exact p (two-sided) of one share behind x of `total` and y of `depth`.

    Given X + Y, X is hypergeometric under one share, whatever the share and the two depths; no
    approximation is made for small counts, and none is needed. Equal pairs are computed once.
    """
    pairs = np.column_stack([np.asarray(x, dtype=np.int64), np.asarray(y, dtype=np.int64)])
    distinct, place = np.unique(pairs, axis=0, return_inverse=True)
    if total == 0 or depth == 0:
        return np.ones(len(pairs))
    test = scipy.stats.fisher_exact
    p = [test([[a, total - a], [b, depth - b]]).pvalue for a, b in distinct.tolist()]
    return np.array(p, dtype=float)[place.ravel()]


def judge(
    x: ArrayLike,
    y: ArrayLike,
    *,
    total: int,
    depth: int,
    min_cells: int,
    fdr: float,
    doubtful: ArrayLike,
    gone_before: ArrayLike,
) -> pd.DataFrame:
    """Return the fate of each clone between the baseline and one follow-up.

    Parameters
    ----------
    x, y
        Cells of each clone at baseline and follow-up, of `total` and `depth` with a receptor.
    min_cells, fdr
        Fewest cells, both times together, for a test; Benjamini-Hochberg level over those tested.
    doubtful
        Clones whose follow-up cells may be contamination: neither persisting nor returned, and,
        since something was seen, not eradicated either.
    gone_before
        Clones whose absence was shown at an earlier follow-up.

    Returns `fate`, `detection_limit` (share; where Y is 0), `miss_chance` (where X or Y is 0, at an
    unchanged share), `p_value`, `q_value`. Rules, first that holds: fewer than `min_cells`:
    too few to test. Y = 0: eradicated where X >= 3 and miss_chance < .05, else below detection.
    Doubtful: below detection. Seen again after its absence was shown: returned. X = 0, Y >= 3 and
    the mirror's miss_chance < .05: new. q < `fdr`: expanded or contracted. Else stable. N = 0: too
    few to test.
    """
    x, y = (np.asarray(cells, dtype=np.int64) for cells in (x, y))
    doubtful = np.asarray(doubtful, dtype=bool) & (y > 0)
    tested = (x + y >= max(min_cells, MIN_CELLS)) & (total > 0)
    lost, gained = miss_chance(x, total, depth), miss_chance(y, depth, total)
    p = np.full(x.shape, np.nan)
    p[tested] = exact_p(x[tested], y[tested], total, depth)
    q = bh(p)
    fate = _name(x, y, total, depth, tested, q < fdr, lost, gained, doubtful, gone_before)
    return pd.DataFrame(
        {
            "fate": fate,
            "detection_limit": np.where(y == 0, detection_limit(depth), np.nan),
            "miss_chance": np.where(y == 0, lost, np.where(x == 0, gained, np.nan)),
            "p_value": p,
            "q_value": q,
        }
    )


def _name(x, y, total, depth, tested, sure, lost, gained, doubtful, gone_before):
    """Return the first fate whose rule holds; see `judge`."""
    more = y * float(total) > x * float(depth)
    rules = {
        UNTESTED: ~tested,
        ERADICATED: (y == 0) & (x >= MIN_CELLS) & (lost < 0.05),
        BELOW: (y == 0) | (doubtful & (x > 0)),
        RETURNED: (x > 0) & np.asarray(gone_before, dtype=bool),
        NEW: (x == 0) & (y >= MIN_CELLS) & (gained < 0.05) & ~doubtful,
        EXPANDED: sure & more,
        CONTRACTED: sure,
    }
    return np.select(list(rules.values()), list(rules), default=STABLE)


@dataclass(frozen=True)
class GroupChange:
    """Change of the share that the expanded baseline clones hold. Shares are of 1, not per cent.

    `estimate` is follow-up minus baseline, with its interval; `log2_ratio` the same as a ratio,
    minus infinity where no cell of the group was found. NaN where not estimable.
    """

    share_baseline: float
    share_baseline_low: float
    share_baseline_high: float
    share_followup: float
    share_followup_low: float
    share_followup_high: float
    estimate: float
    ci_low: float
    ci_high: float
    log2_ratio: float
    p_value: float
    status: str


UNKNOWN = GroupChange(*[math.nan] * 11, "not estimable")


def group_share(counts: ArrayLike, min_cells: int) -> tuple[float, float]:
    """Return the share that clones of `min_cells` or more hold, and its effective sample size.

    A clone picked because it was large in a sample is, on average, smaller than it looked: the
    naive sum of X/N over the picked clones overstates what they hold. Leaving out each cell in turn
    gives the unbiased share G = sum of X/N over X >= c + 1 (Good 1953, Biometrika 40:237; Robbins
    1968): a cell counts where its clone would have been picked without it. Against the share P that
    these very clones hold, var(G - P) = c (c + 1) f_{c+1} / N^2 + G (1 - G) / N, where f_{c+1}
    clones have c + 1 cells; the effective size is G (1 - G) / var, at most N.
    """
    counts = np.asarray(counts, dtype=np.int64)
    total = int(counts.sum())
    share = float(counts[counts > min_cells].sum() / total) if total else 0.0
    edge = min_cells * (min_cells + 1) * int((counts == min_cells + 1).sum()) / max(total, 1) ** 2
    spread = share * (1 - share)
    size = spread / (edge + spread / total) if spread > 0 else float(total)
    return share, size


def group_change(x: ArrayLike, y: ArrayLike, *, depth: int, min_cells: int) -> GroupChange:
    """Return how the share of the clones with `min_cells` or more at baseline changed.

    Parameters
    ----------
    x, y
        Cells of each clone at baseline (all clones: they sum to N) and at follow-up.
    depth
        Cells with a receptor at follow-up, n.

    Notes
    -----
    Follow-up: all Y cells of the picked clones, binomial in n, Wilson's interval. Baseline:
    `group_share`, Clopper and Pearson's interval at its effective size. The two are joined by MOVER
    (Zou and Donner 2008, doi 10.1002/sim.3095): for the difference d of shares,
    d - sqrt((q - q_low)^2 + (G_high - G)^2) and d + sqrt((q_high - q)^2 + (G - G_low)^2). The
    p-value is the level at which this interval reaches 0. Not estimable with fewer than 5 cells at
    follow-up, or where no clone has more than `min_cells` cells (G = 0).

    Measured on ten clone-size laws, N = 30 to 5,000, n = 5 to 3,000, c = 2, 3, 5 (247 settings in
    which at least 20 % of draws are estimable): nothing changed, a change is claimed in 4.3 % of
    draws on average, in more than 8 % in 6 settings, all of them with few estimable draws; the
    interval covers a fall to a quarter in 95.5 % and a 2.5-fold rise in 95.7 %. Wilson's interval
    at baseline claims 5.1 % and, with few estimable draws, up to 26 %; the naive share of the
    picked clones, the shrinking of every picked clone.
    """
    x, y = np.asarray(x, dtype=np.int64), np.asarray(y, dtype=np.int64)
    held, size = group_share(x, min_cells)
    if held == 0:
        why = f"not estimable: no baseline clone of more than {min_cells} cells"
        return replace(UNKNOWN, status=why)
    return share_change(held, size, int(y[x >= min_cells].sum()), depth)


def share_change(held: float, size: float, found: int, depth: int) -> GroupChange:
    """Return the change from the share `held` (of `size` effective cells) to `found` of `depth`."""
    if depth < MIN_FOLLOWUP:
        why = f"not estimable: {depth} cells at follow-up, {MIN_FOLLOWUP} would be enough"
        return replace(UNKNOWN, status=why)
    share = found / depth
    baseline, followup = _ends(held, size, share, depth, 0.95)
    low, high = _mover(held, size, share, depth, 0.95)
    return GroupChange(
        held,
        *baseline,
        share,
        *followup,
        share - held,
        low,
        high,
        math.log2(share / held) if found else -math.inf,
        _inverted_p(held, size, share, depth),
        "estimable",
    )


def _ends(held: float, size: float, share: float, depth: float, level: float):
    before = clopper_pearson(held * size, size, level)
    low, high = map(float, wilson(share * depth, depth, level))
    after = (low if share > 0 else 0.0, high if share < 1 else 1.0)
    return tuple(map(float, before)), after


def _mover(held: float, size: float, share: float, depth: float, level: float):
    (low_0, high_0), (low_1, high_1) = _ends(held, size, share, depth, level)
    change = share - held
    return (
        change - math.hypot(share - low_1, high_0 - held),
        change + math.hypot(high_1 - share, held - low_0),
    )


def _inverted_p(held: float, size: float, share: float, depth: float) -> float:
    """Return the level at which the interval of the change reaches 0."""
    if share == held:
        return 1.0
    side = 0 if share > held else 1

    def end(log_p: float) -> float:
        return _mover(held, size, share, depth, -math.expm1(log_p))[side]

    lowest, highest = math.log(1e-15), -1e-12
    if (end(highest) < 0) == (side == 0):  # the exact interval keeps a width at any level
        return 1.0
    if end(lowest) * end(highest) > 0:
        return math.exp(lowest)
    return math.exp(scipy.optimize.brentq(end, lowest, highest, xtol=1e-9))
