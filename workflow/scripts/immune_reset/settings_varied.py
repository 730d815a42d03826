"""Headline repertoire claims under other settings: do they hang on the clonotype rule?

Each receptor has a grid of settings (minimum UMIs x rule x chain arms); the run's own setting is
always in it. In every setting clones are defined anew by the same functions, and the headline
claims are computed anew: diversity of all cells (`hill_change.compare`) and the expanded baseline
clones (`fates.group_change`).
"""

import math
from collections.abc import Callable, Iterator
from itertools import product
from typing import Any

import numpy as np
import pandas as pd

from immune_reset import fates
from immune_reset.hill import abundances
from immune_reset.hill_change import compare

MIN_UMIS = (1, 2, 3)
DISTANCES = (0.10, 0.15, 0.20)
LIGHT = ("where_present", "ignore")
SEQUENCES = ("nt", "aa")
ARMS = ("refined", "beta", "paired")
ALPHA = 0.05
INCREASED, DECREASED = "increased", "decreased"
NO_CHANGE, NOT_ESTIMABLE = "no change shown", "not estimable"
WORDS = (INCREASED, DECREASED)
LN_D1, BOUND, SHARE = "change of ln D1", "bound of ln D2", "change of share"
DIVERSITY = {"BCR": "bcr_diversity", "TCR": "tcr_diversity"}
KEY = ["claim", "compartment", "comparison"]
TYPES = {
    "patient": "string", "claim": "string", "compartment": "string", "comparison": "string",
    "receptor": "string", "min_umis": "int64", "rule": "string", "arms": "string",
    "own_setting": "bool", "measure": "string", "n_baseline": "int64", "n_followup": "int64",
    "direction": "string", "effect": "float64", "estimate": "float64",
    "ci_low": "float64", "ci_high": "float64", "p_value": "float64",
}  # fmt: skip

Setting = dict[str, Any]


def grid(own: Setting, *, receptor: str) -> Iterator[Setting]:
    """Yield the settings of a receptor: min_umis, the rule, the chain arms, own_setting.

    `own` has the run's min_umis, bcr_max_distance, light_chain, tcr_sequence, tcr_arms. Chains
    below its min_umis are not there any more: the smaller values fall away.
    """
    names = {"BCR": ("bcr_max_distance", "light_chain"), "TCR": ("tcr_sequence", "tcr_arms")}
    values = {"BCR": (DISTANCES, LIGHT), "TCR": (SEQUENCES, ARMS)}
    rule, arms = names[receptor]
    options = [
        dict.fromkeys((*known, own[name]))
        for known, name in zip(values[receptor], (rule, arms), strict=True)
    ]
    floors = dict.fromkeys((own["min_umis"], *(n for n in MIN_UMIS if n > own["min_umis"])))
    for floor, first, second in product(floors, *options):
        setting = {"min_umis": floor, rule: first, arms: second}
        same = all(own[name] == value for name, value in setting.items())
        yield setting | {"own_setting": same}


def labelled(setting: Setting) -> dict[str, Any]:
    """Return the columns that name a setting: min_umis, rule, arms, own_setting."""
    bcr = "bcr_max_distance" in setting
    rule = f"Hamming {setting['bcr_max_distance']:g}" if bcr else setting["tcr_sequence"]
    return {
        "min_umis": setting["min_umis"],
        "rule": rule,
        "arms": setting["light_chain" if bcr else "tcr_arms"],
        "own_setting": setting["own_setting"],
    }


def claims_of(
    x: np.ndarray,
    y: np.ndarray,
    *,
    receptor: str,
    min_cells: int,
    min_repeats: int,
    expanded_min_cells: int,
) -> list[dict[str, Any]]:
    """Return the two headline claims of one pair of samples (cells of each clone).

    direction: by the setting's own 95 % interval, before any correction for multiplicity and
    whatever the size. effect: the size that a claim is held against, ln D1 or log2 of the shares.
    """
    head = {"n_baseline": int(x.sum()), "n_followup": int(y.sum())}
    found = compare(abundances(x), abundances(y), min_cells=min_cells, min_repeats=min_repeats)
    diversity = {"claim": DIVERSITY[receptor], "compartment": "all", "measure": LN_D1, **head}
    change = found.get("bound") or found.get("ln_D1")
    if "bound" in found:
        sure = change.direction if change.p_value < ALPHA else ""
        diversity |= {"direction": sure or NOT_ESTIMABLE, "measure": BOUND}
    elif change is not None:
        agrees = change.log_ratio * found["log_D2"].log_ratio > 0
        sign = direction(change.log_ratio, change.p_value)
        diversity |= {"direction": sign if agrees or sign == NOT_ESTIMABLE else NO_CHANGE}
    if change is not None:
        diversity |= {"estimate": change.log_ratio, "ci_low": change.ci_low}
        diversity |= {"ci_high": change.ci_high, "p_value": change.p_value}
        diversity |= {"effect": change.log_ratio}
    group = fates.group_change(x, y, depth=int(y.sum()), min_cells=expanded_min_cells)
    sign = direction(group.estimate, group.p_value)
    clones = {"claim": "baseline_clones", "compartment": receptor, "measure": SHARE, **head}
    clones |= {"direction": sign, "effect": group.log2_ratio}
    clones |= {name: getattr(group, name) for name in ("estimate", "ci_low", "ci_high", "p_value")}
    return [{"direction": NOT_ESTIMABLE} | diversity, clones]


def direction(estimate: float, p: float) -> str:
    """Return the word for a change by its p-value."""
    if math.isnan(p):
        return NOT_ESTIMABLE
    if p >= ALPHA:
        return NO_CHANGE
    return INCREASED if estimate > 0 else DECREASED


def vary(
    receptors: Callable[[int], pd.DataFrame],
    define: Callable[[pd.DataFrame, Setting], pd.DataFrame],
    pairs: dict[str, list[tuple[str, str, str]]],
    own: Setting,
    **limits: float,
) -> pd.DataFrame:
    """Return the claims of one patient in every setting, columns of `TYPES` less `patient`.

    Parameters
    ----------
    receptors
        The patient's cells with their receptors, at so many UMIs a chain.
    define
        (cells, setting) -> timepoint and clone of each cell that has one.
    pairs
        By receptor, (follow-up, baseline, name) of each comparison.
    own
        The run's own setting, see `grid`.
    limits
        Keywords of `claims_of`.
    """
    rows, cells = [], {}
    for receptor, comparisons in pairs.items():
        for setting in grid(own, receptor=receptor) if comparisons else ():
            floor = setting["min_umis"]
            if floor not in cells:
                cells[floor] = receptors(floor)
            clones = define(cells[floor], {"receptor": receptor, **setting})
            n = clones.groupby(["clone", "timepoint"]).size().unstack(fill_value=0)
            for followup, baseline, name in comparisons:
                sides = (baseline, followup)
                x, y = (n[t].to_numpy() if t in n else np.zeros(len(n), int) for t in sides)
                for claim in claims_of(x, y, receptor=receptor, **limits):
                    where = {"receptor": receptor, "comparison": name}
                    rows.append(where | labelled(setting) | claim)
    return pd.DataFrame(rows, columns=[name for name in TYPES if name != "patient"])
