"""Change of clonal diversity between two samples of unequal depth.

Headline: the difference of ln D1 at the smaller sample's number of cells, the deeper one
rarefied exactly. Beside it the ratio of asymptotic D2, and, where one sample has too few
repeated clones for an interval, the one-sided bound. All natural logarithms, follow-up minus
baseline.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

import scipy
from scipy.special import stdtr

from immune_reset.hill import Abundances, asymptotic
from immune_reset.hill_intervals import (
    d2_interval,
    d2_lower_bound,
    degrees_of_freedom,
    is_estimable,
    jackknife_log_hill,
    t_quantile,
)

LEAST_ALPHA = 1e-12


@dataclass(frozen=True)
class Change:
    """A log ratio, its interval and two-sided p; `direction` only of a bound."""

    log_ratio: float
    ci_low: float
    ci_high: float
    p_value: float
    m: float = math.nan
    direction: str = ""


NO_CHANGE_KNOWN = Change(math.nan, math.nan, math.nan, math.nan)


def change_in_log_hill(
    baseline: Abundances, followup: Abundances, q: float = 1, *, level: float = 0.95
) -> Change:
    """Return the change of ln D_q at m = the smaller number of cells.

    se = root of the sum of the squared jackknife errors, t with the degrees of freedom of the
    shallower sample (E/2; at equal depth of the one with fewer repeats). No interval where neither
    sample has an error of its own (one clone in both).
    """
    m = min(baseline.n_cells, followup.n_cells)
    shallow = min(baseline, followup, key=lambda a: (a.n_cells, a.n_repeats))
    h0, se0 = jackknife_log_hill(baseline, q, m)
    h1, se1 = jackknife_log_hill(followup, q, m)
    change, se, df = h1 - h0, math.hypot(se0, se1), degrees_of_freedom(shallow)
    if se <= 1e-12 or df <= 0:
        return Change(change, math.nan, math.nan, math.nan, m)
    half = t_quantile((1.0 + level) / 2.0, df) * se
    p_value = 2.0 * float(stdtr(df, -abs(change) / se))
    return Change(change, change - half, change + half, p_value, m)


def change_in_log_d2(baseline: Abundances, followup: Abundances, *, level: float = 0.95) -> Change:
    """Return the change of ln asymptotic D2, its interval by MOVER (Zou & Donner 2008).

    Both limits of each sample's gamma interval are recovered into the difference. p is the
    smallest alpha whose interval excludes 0.
    """
    d0, d1 = math.log(asymptotic(baseline, 2)), math.log(asymptotic(followup, 2))
    change = d1 - d0

    def limits(alpha: float) -> tuple[float, float]:
        l0, u0 = (math.log(limit) for limit in d2_interval(baseline, level=1.0 - alpha))
        l1, u1 = (math.log(limit) for limit in d2_interval(followup, level=1.0 - alpha))
        down = math.hypot(max(d1 - l1, 0.0), max(u0 - d0, 0.0))
        up = math.hypot(max(u1 - d1, 0.0), max(d0 - l0, 0.0))
        return change - down, change + up

    low, high = limits(1.0 - level)
    if change >= 0:
        p_value = smallest_alpha(lambda alpha: limits(alpha)[0])
    else:
        p_value = smallest_alpha(lambda alpha: -limits(alpha)[1])
    return Change(change, low, high, p_value)


def change_by_bound(
    baseline: Abundances, followup: Abundances, *, min_repeats: int = 10, level: float = 0.95
) -> Change:
    """Return what can be said of D2 where exactly one sample has fewer than `min_repeats`.

    The sparse sample bounds its D2 from below only: a sparse follow-up can show an increase, a
    sparse baseline a decrease. Separated at alpha when the bound at 1 - alpha/2 lies beyond the
    upper limit of the other's two-sided interval at 1 - alpha; `p_value` is the smallest such
    alpha (1 if there is none, and then no direction). `log_ratio` and the one finite limit are
    of the least change: bound at `level` against the estimate, and bound at (1 + level)/2
    against the upper limit. Raises ValueError unless exactly one is sparse.
    """
    sparse_followup = followup.n_repeats < min_repeats
    if sparse_followup == (baseline.n_repeats < min_repeats):
        raise ValueError("a bound needs one sample with few repeats and one with enough")
    sparse, full = (followup, baseline) if sparse_followup else (baseline, followup)

    def gap(alpha: float) -> float:
        bound = d2_lower_bound(sparse, level=1.0 - alpha / 2.0)
        return math.log(bound / d2_interval(full, level=1.0 - alpha)[1])

    alpha = smallest_alpha(gap)
    least = math.log(d2_lower_bound(sparse, level=level) / asymptotic(full, 2))
    limit = gap(1.0 - level)
    if sparse_followup:
        return Change(least, limit, math.nan, alpha, direction="increased" if alpha < 1 else "")
    return Change(-least, math.nan, -limit, alpha, direction="decreased" if alpha < 1 else "")


def smallest_alpha(margin: Callable[[float], float]) -> float:
    """Return the smallest alpha at which `margin` (growing with alpha) is above 0; 1 if none."""
    nearly_one = 1.0 - 1e-9
    if margin(nearly_one) <= 0:
        return 1.0
    if margin(LEAST_ALPHA) > 0:
        return LEAST_ALPHA
    ends = math.log(LEAST_ALPHA), math.log(nearly_one)
    return math.exp(scipy.optimize.brentq(lambda z: margin(math.exp(z)), *ends))


def compare(
    baseline: Abundances,
    followup: Abundances,
    *,
    min_cells: int = 20,
    min_repeats: int = 10,
    level: float = 0.95,
) -> dict[str, Change]:
    """Return the changes that two samples support, by measure.

    {"ln_D1", "log_D2"} where both are estimable, {"bound"} where both have `min_cells` and one
    of them `min_repeats`, else {}.
    """
    if min(baseline.n_cells, followup.n_cells) < min_cells:
        return {}
    enough = [
        is_estimable(a, min_cells=min_cells, min_repeats=min_repeats) for a in (baseline, followup)
    ]
    if all(enough):
        return {
            "ln_D1": change_in_log_hill(baseline, followup, 1, level=level),
            "log_D2": change_in_log_d2(baseline, followup, level=level),
        }
    if any(enough):
        return {"bound": change_by_bound(baseline, followup, min_repeats=min_repeats, level=level)}
    return {}
