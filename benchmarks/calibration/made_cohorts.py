"""Cohorts at the level of cell tables, drawn from a law whose truth is known.

A cell has gamma-Poisson totals and a gamma-distributed activity of each gene set around the share
of UMIs that its library gives the set; a library's shares are the patient's, moved by a library
effect that the cell types share in part (correlation .6). The fractions of cell types are
logistic-normal in patients and libraries. Nothing but the planted effect tells the two timepoints
apart, save for their depth: cells and UMIs differ up to tenfold, on the same side in every patient.
"""

from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from numpy.typing import NDArray

ISG, JAK, BEYOND = "ISG28", "HALLMARK_IL6_JAK_STAT3_SIGNALING", "JAK_STAT_BEYOND_INTERFERON"
SETS = [ISG, JAK, BEYOND]
GENES = {ISG: 28, JAK: 87, BEYOND: 60}
COLLECTIONS = {ISG: "interferon", JAK: "jak_stat", BEYOND: "jak_stat"}
FRACTIONS = {
    "B": 0.08, "plasma": 0.006, "CD4 T": 0.36, "CD8 T": 0.20, "NK": 0.10, "monocyte": 0.18,
    "DC": 0.015, "other T": 0.06,
}  # fmt: skip
TYPES = list(FRACTIONS)
DEPTHS = np.array([1.0, 3.0, 1.0, 1.0, 1.0, 1.6, 2.0, 1.0])
SUBSETS = {"naive B": 0.55, "transitional B": 0.08, "memory B": 0.37}
SWITCHED = 0.2
RHO = 0.6
ACTIVITY_SHAPE, DEPTH_SHAPE = 2.0, 4.0
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Plan:
    """What one cohort is drawn from; effects and sds in log2 (fractions: natural log).

    `effect` is the mean change of each set's share at every follow-up (lowest and highest, drawn
    for each cell type), `effect_sd` how patients differ in it. `fold_cells` and `fold_umis` are
    baseline over follow-up. `batch` names the batches: none, or one per timepoint.
    """

    seed: tuple[int, ...]
    n: int
    followups: int = 1
    effect: dict[str, tuple[float, float]] = field(default_factory=dict)
    effect_sd: float = 0.0
    library_sd: float = 0.3
    fraction_sd: float = 0.3
    fold_cells: float = 1.0
    fold_umis: float = 1.0
    cells: float = 2000.0
    batch: str = ""


@dataclass
class Made:
    """A cohort: its design, cells by sample, counts of isotypes, every library's true shares."""

    design: dict
    cells: dict[str, pd.DataFrame]
    isotypes: list[tuple[str, str, str, int, int]]
    shares: dict[str, Floats]


def null_plan(seed: int, index: int, **fixed) -> Plan:
    """Return the plan of a cohort whose depths differ and in which nothing changed."""
    rng = np.random.default_rng([seed, index, 0])
    folds = 10 ** (rng.uniform(0, 1, 2) * rng.choice([-1, 1], 2))
    drawn = {
        "n": int(rng.integers(1, 9)),
        "followups": 1 + index % 2,
        "library_sd": rng.uniform(0.2, 0.4),
        "fraction_sd": rng.uniform(0.2, 0.5),
        "fold_cells": folds[0],
        "fold_umis": folds[1],
        "cells": 10 ** rng.uniform(2.9, 3.6),
    }
    return Plan(seed=(seed, index), **(drawn | fixed))


def correlated(rng: np.random.Generator, sd: float) -> Floats:
    """Return effects by type and set, of the sd, correlated by `RHO` between types and sets."""
    common, by_set = rng.standard_normal(), rng.standard_normal(len(SETS))
    own = rng.standard_normal((len(TYPES), len(SETS)))
    of_set = np.sqrt(RHO) * common + np.sqrt(1 - RHO) * by_set
    return sd * (np.sqrt(RHO) * of_set + np.sqrt(1 - RHO) * own)


def draw(plan: Plan) -> Made:
    """Draw the cohort of a plan."""
    rng = np.random.default_rng([*plan.seed, 1])
    times = ["baseline", *(f"month_{k + 1}" for k in range(plan.followups))]
    base = np.log2(10 ** rng.uniform(np.log10(0.002), np.log10(0.02), (len(TYPES), len(SETS))))
    mean = np.zeros((len(TYPES), len(SETS)))
    for k, name in enumerate(SETS):
        mean[:, k] = rng.uniform(*plan.effect.get(name, (0.0, 0.0)), len(TYPES))
    made = Made({"timepoints": times, "baseline": "baseline", "samples": []}, {}, [], {})
    for p in range(plan.n):
        patient = f"P{p + 1}"
        own = base + correlated(rng, 0.5)
        change = mean + correlated(rng, plan.effect_sd)
        logits = np.log(list(FRACTIONS.values())) + 0.4 * rng.standard_normal(len(TYPES))
        subsets = np.log([*SUBSETS.values()]) + 0.3 * rng.standard_normal(len(SUBSETS))
        switched = np.log(SWITCHED / (1 - SWITCHED)) + 0.5 * rng.standard_normal()
        for t, time in enumerate(times):
            name = f"{patient}_{time}"
            log2 = own + (change if t else 0) + correlated(rng, plan.library_sd)
            made.shares[name] = np.minimum(2**log2, 0.2)
            shift = plan.fraction_sd * rng.standard_normal(len(TYPES) + len(SUBSETS) + 1)
            depth = _depth(rng, plan, t)
            fractions = softmax(logits + shift[: len(TYPES)])
            fine = softmax(subsets + shift[len(TYPES) : -1])
            cells = draw_cells(rng, made.shares[name], fractions, fine, *depth)
            b_cells = int(cells["cell_type"].isin(["B", "plasma"]).sum())
            count = rng.binomial(b_cells, 1 / (1 + np.exp(-switched - shift[-1])))
            made.cells[name] = cells
            made.isotypes.append((patient, time, "class switched", count, b_cells))
            made.design["samples"].append(_row(name, patient, time, t, plan.batch))
    return made


def _row(name: str, patient: str, time: str, t: int, batch: str) -> dict:
    row = {"sample": name, "patient": patient, "timepoint": time, "day": 30.0 * t - 5}
    of = {"": "", "timepoint": time}[batch]
    return row | {"batch": of, "group": "", "tissue": "", "in_cohort": True}


def _depth(rng: np.random.Generator, plan: Plan, t: int) -> tuple[int, float]:
    """Return the cells and mean UMIs of a library; the shallow side is thinned by the fold."""
    fold = np.array([plan.fold_cells, plan.fold_umis])
    thin = np.minimum(fold, 1) if t == 0 else np.minimum(1 / fold, 1)
    cells, umis = np.array([plan.cells, 6000.0]) * thin * rng.lognormal(0, 0.2, 2)
    return max(int(cells), 30), max(umis, 400.0)


def softmax(logits: Floats) -> Floats:
    """Return the fractions of a vector of logits."""
    weight = np.exp(logits - logits.max())
    return weight / weight.sum()


def draw_cells(
    rng: np.random.Generator,
    shares: Floats,
    fractions: Floats,
    subsets: Floats,
    n_cells: int,
    umis: float,
) -> pd.DataFrame:
    """Return n cells: cell_type, cell_subtype, total_counts and a column of UMIs per set.

    `shares` is types by sets. A cell's depth is gamma around `umis` times its type's factor, its
    activity of a set gamma around 1, its counts Poisson.
    """
    kind = np.repeat(np.arange(len(TYPES)), rng.multinomial(n_cells, fractions))
    depth = umis * DEPTHS[kind] * rng.gamma(DEPTH_SHAPE, 1 / DEPTH_SHAPE, n_cells)
    activity = rng.gamma(ACTIVITY_SHAPE, 1 / ACTIVITY_SHAPE, (n_cells, len(SETS)))
    counts = rng.poisson(depth[:, None] * shares[kind] * activity)
    rest = rng.poisson(depth * (1 - shares[kind].sum(axis=1)))
    names = np.array(TYPES)[kind]
    fine = np.where(names == "B", rng.choice(list(SUBSETS), n_cells, p=subsets), "")
    table = pd.DataFrame({"cell_type": names, "cell_subtype": fine})
    return table.assign(
        total_counts=rest + counts.sum(axis=1), **dict(zip(SETS, counts.T, strict=True))
    )


def true_change(made: Made, before: str, after: str, cell_type: str) -> Floats:
    """Return the realised log2 change of every set's share between two libraries."""
    k = TYPES.index(cell_type)
    return np.log2(made.shares[after][k]) - np.log2(made.shares[before][k])


def isotype_table(made: Made) -> pd.DataFrame:
    """Return the class-switched cells as tables/isotypes.tsv holds them."""
    names = ["patient", "timepoint", "isotype", "n_cells", "n_total"]
    return pd.DataFrame(made.isotypes, columns=names)


def labels(made: Made) -> pd.DataFrame:
    """Return the cells' labels as the composition functions read them."""
    parts = [
        part[["cell_type", "cell_subtype"]].assign(sample=name) for name, part in made.cells.items()
    ]
    table = pd.concat(parts, ignore_index=True)
    return table.assign(cell_id=np.arange(len(table)))
