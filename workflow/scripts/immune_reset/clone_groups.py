"""Groups of baseline clones that are followed: by which rule they are picked, what share they hold.

The rules: *expanded*, a number of cells at baseline; *antibody-secreting*, a cell labelled plasma
cell or plasmablast at baseline; and the clones of either. Clones picked by what a sample showed
hold, on average, less than they did in it; `picked_share` frees the baseline's share of that.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from immune_reset.fates import UNKNOWN, GroupChange, share_change

EXPANDED, SECRETING = "expanded", "antibody-secreting"
EITHER = f"{EXPANDED} or {SECRETING}"
GROUPS = (EXPANDED, SECRETING, EITHER)
PLASMA = "plasma"  # the cell type of plasma cells and plasmablasts

Rule = Callable[[NDArray, NDArray], NDArray]


@dataclass(frozen=True)
class Group:
    """A group of baseline clones: which rule picked them, and how their share changed."""

    name: str
    picked: NDArray[np.bool_]
    change: GroupChange


def rule_of(name: str, min_cells: int) -> Rule:
    """Return the rule of a group: (secreting cells, other cells) of each clone -> picked."""
    rules: dict[str, Rule] = {
        EXPANDED: lambda a, b: a + b >= min_cells,
        SECRETING: lambda a, b: a >= 1,
        EITHER: lambda a, b: (a >= 1) | (a + b >= min_cells),
    }
    return rules[name]


def picked_share(secreting: ArrayLike, others: ArrayLike, rule: Rule) -> tuple[float, float]:
    """Return the share that the picked clones hold, and its effective number of cells.

    Parameters
    ----------
    secreting, others
        Cells of each clone at baseline: antibody-secreting ones, and the others. All clones.
    rule
        Whether so many cells pick a clone; a cell more must never undo it.

    Notes
    -----
    G, the share of cells whose clone would have been picked without them, is unbiased for the share
    P of the clones picked (Good 1953, Robbins 1968; `fates.group_share` is the case of a size).
    With g = A s(A-1, B) + B s(A, B-1) of a clone of A and B cells picked where s = 1, and
    h = A(A-1) s(A-2, B) + 2 A B s(A-1, B-1) + B(B-1) s(A, B-2), the mean of sum(g^2 - h) / N^2 is
    the variance of G - P for Poisson numbers of cells; G^2 / N less for a fixed N. The effective
    number of cells is G (1 - G) over that variance, at most N.
    """
    a, b = (np.asarray(cells, dtype=np.int64) for cells in (secreting, others))
    total = int(a.sum() + b.sum())

    def without(less_a: int, less_b: int) -> NDArray:
        left = (a - less_a, b - less_b)
        possible = (left[0] >= 0) & (left[1] >= 0)
        return possible & rule(np.maximum(left[0], 0), np.maximum(left[1], 0))

    one = a * without(1, 0) + b * without(0, 1)
    two = a * (a - 1) * without(2, 0) + 2 * a * b * without(1, 1) + b * (b - 1) * without(0, 2)
    held = int(one.sum())
    if held == 0:
        return 0.0, float(total)
    share = held / total
    spread = share * (1 - share)
    variance = (float((one**2 - two).sum()) / total - share**2) / total
    if spread == 0 or variance <= 0:
        return share, float(total)
    return share, min(spread / variance, float(total))


def follow(
    x: ArrayLike, y: ArrayLike, secreting: ArrayLike | None, *, depth: int, min_cells: int
) -> list[Group]:
    """Return the groups of the baseline's clones with the change of the share that each holds.

    Parameters
    ----------
    x, y
        Cells of each clone at baseline (all clones) and at follow-up.
    secreting
        Antibody-secreting cells among `x`; None where that is not known or not asked for: then
        the expanded clones alone are followed.
    depth
        Cells with a receptor at follow-up.
    min_cells
        Cells that make a baseline clone expanded.

    The change and its interval: `fates.group_change`, with the share of `picked_share`.
    """
    x, y = np.asarray(x, dtype=np.int64), np.asarray(y, dtype=np.int64)
    plasma = np.zeros_like(x) if secreting is None else np.asarray(secreting, dtype=np.int64)
    groups = []
    for name in GROUPS if secreting is not None else (EXPANDED,):
        picked = rule_of(name, min_cells)(plasma, x - plasma)
        held, size = picked_share(plasma, x - plasma, rule_of(name, min_cells))
        if held == 0:
            change = replace(UNKNOWN, status=f"not estimable: {lacking(name, min_cells)}")
        else:
            change = share_change(held, size, int(y[picked].sum()), depth)
        groups.append(Group(name, picked, change))
    return groups


def lacking(name: str, min_cells: int) -> str:
    """Say which clone a baseline lacks for the group's share."""
    secreting = "no baseline clone of an antibody-secreting cell and a further cell"
    return {
        EXPANDED: f"no baseline clone of more than {min_cells} cells",
        SECRETING: secreting,
        EITHER: f"{secreting}, and none of more than {min_cells} cells",
    }[name]


def of_group(frame: pd.DataFrame, name: str = EXPANDED) -> pd.DataFrame:
    """Return the rows of one group of a table of baseline clones; all, where it has no groups."""
    return frame[frame["group"] == name] if "group" in frame else frame


def named(picked: dict[str, NDArray]) -> NDArray:
    """Return in words which of the two rules pick each clone: "expanded, antibody-secreting"."""
    parts = [np.where(picked[name], name, "") for name in (EXPANDED, SECRETING) if name in picked]
    joined = [", ".join(filter(None, words)) for words in zip(*parts, strict=True)]
    return np.array(joined, dtype=object)
