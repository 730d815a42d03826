"""Rows of the diversity tables: a change in columns, and in words what is missing for one."""

import math

from immune_reset.hill import Abundances, asymptotic, cells_for_repeats
from immune_reset.hill_change import Change
from immune_reset.hill_intervals import (
    BOUND,
    ESTIMABLE,
    NOT_ESTIMABLE,
    d2_interval,
    d2_lower_bound,
    largest_share_bound,
)

UNITS = {
    ("BCR", "all"): "B cells",
    ("BCR", "naive"): "naive B cells",
    ("BCR", "memory"): "memory B cells",
    ("BCR", "plasma"): "plasma cells",
    ("TCR", "all"): "T cells",
    ("TCR", "CD4"): "CD4 T cells",
    ("TCR", "CD8"): "CD8 T cells",
    ("TCR", "CAR T"): "CAR T cells",
}
ONE_CLONE = "all cells are of one clone: the sample shows no error of its own"


def counted(n: int, unit: str) -> str:
    """Return "14 B cells", "1 B cell"; the unit is given in the plural."""
    return f"{n:,} {unit.removesuffix('s') if n == 1 else unit}"


def shortage(
    a: Abundances, timepoint: str, unit: str, *, has_file: bool, min_cells: int, min_repeats: int
) -> tuple[str, str]:
    """Return (reason, enough) of a sample with too few cells or repeats; ("", "") of another.

    `unit` is the compartment's cells in the plural (a value of `UNITS`).
    """
    n, repeats = a.n_cells, a.n_repeats
    need = f"{min_cells} cells and {min_repeats} repeats"
    if n >= min_cells and repeats >= min_repeats:
        return "", ""
    if not has_file:
        return f"{timepoint}: no V(D)J file", f"{timepoint}: a V(D)J file with {need}"
    found = f"{timepoint}: {counted(n, unit)} with a receptor"
    if n < min_cells:
        return f"{found}; {need} needed", f"{timepoint}: {need}"
    cells = cells_for_repeats(a, min_repeats)
    enough = f"{timepoint}: {min_repeats} repeats"
    if cells is not None:
        enough += f", about {cells:,} cells if the clones are as this sample suggests"
    return f"{found} and {counted(repeats, 'repeats')}; {min_repeats} repeats needed", enough


def bound_words(sparse: Abundances, full: Abundances, sparse_at: str, full_at: str) -> str:
    """Return what a sample of few repeats says of D2, beside the other sample's interval.

    Limits are rounded to the side on which they stay true.
    """
    share = math.ceil(1000 * largest_share_bound(sparse)) / 10
    bound, (low, high) = d2_lower_bound(sparse), d2_interval(full)
    return (
        f"{sparse_at}: {counted(sparse.n_repeats, 'repeats')} in {sparse.n_cells:,} cells, "
        f"no clone holds more than {share:g} % of the cells, "
        f"effective clones (D2) at least {effective(math.floor(10 * bound) / 10)}; "
        f"{full_at}: {effective(asymptotic(full, 2))} [{effective(low)}, {effective(high)}]"
    )


def effective(clones: float) -> str:
    """Return a number of effective clones in words: one decimal below ten, whole from there."""
    return f"{clones:.1f}" if clones < 10 else f"{math.floor(clones):,}"


def change_row(
    measure: str, changes: dict[str, Change], baseline: Abundances, followup: Abundances
) -> dict[str, object]:
    """Return the columns of one of the `changes` measured between two samples."""
    change = changes[measure]
    known = not math.isnan(change.p_value)
    d2 = changes.get("log_D2", change)
    return {
        "measure": measure,
        "q": 1 if measure == "ln_D1" else 2,
        "estimator": "rarefied" if measure == "ln_D1" else "asymptotic",
        "m": change.m,
        "n_baseline": baseline.n_cells,
        "n_followup": followup.n_cells,
        "repeats_baseline": baseline.n_repeats,
        "repeats_followup": followup.n_repeats,
        "log_ratio": change.log_ratio,
        "ci_low": change.ci_low,
        "ci_high": change.ci_high,
        "p_value": change.p_value,
        "status": (BOUND if measure == "bound" else ESTIMABLE) if known else NOT_ESTIMABLE,
        "agrees_D2": bool(known and change.log_ratio * d2.log_ratio > 0),
        "bound_alpha": change.p_value if measure == "bound" else math.nan,
        "bound_direction": change.direction,
        "headline": measure != "log_D2",
    }
