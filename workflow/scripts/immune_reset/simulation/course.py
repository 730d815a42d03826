"""What a simulated cohort is asked to be: its parameters, time course, composition and effects."""

from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np

from immune_reset.errors import InputError
from immune_reset.simulation.types import NAMES, index, members


class Timepoint(NamedTuple):
    """One sampling time: name, day from infusion, and the state of the B cells."""

    name: str
    day: int
    state: str  # baseline, depleted, returned


@dataclass(frozen=True)
class CohortSpec:
    """Parameters of a cohort.

    Effects and batch effects are log2; fractions are shares of cells or of UMIs. With `null`
    nothing changes between timepoints but the sampling of cells. A `library_sd` of None
    is .1 (log2, gene by gene), and 0 with `null`. Where `chemistry` or `genes_lost` is above 0 all
    follow-ups are of another batch than the baselines, with one set of gene-wise factors and one
    list of genes for the whole cohort, so that no comparison of patients can see it.
    """

    patients: int = 3
    timepoints: tuple[Timepoint, ...] = (
        Timepoint("baseline", -7, "baseline"),
        Timepoint("month_1", 28, "depleted"),
        Timepoint("month_3", 90, "returned"),
    )
    cells: int = 900
    genes: int = 3000
    seed: int = 1
    null: bool = False
    prefix: str = "LN"
    folder: str = ""
    interferon: float = -1.8
    jak_stat: float = -0.4
    effect_sd: float = 0.15
    patient_sd: float = 0.35
    library_sd: float | None = None
    depth: float = 3600.0
    depth_sd: float = 0.25
    depth_ratio: float = 1.0
    cells_ratio: float = 1.0
    chemistry: float = 0.0
    genes_lost: float = 0.0
    cells_sd: float = 0.0
    ambient: tuple[float, float] = (0.03, 0.10)
    doublets: float = 0.05
    doublets_bt: float = 0.3
    low_quality: float = 0.04
    car: bool = True
    handful: bool = True


PRESETS = {
    "demo": CohortSpec(cells=850, genes=3000, cells_sd=0.08, folder="data", seed=1),
    "tiny": CohortSpec(
        patients=2,
        timepoints=(Timepoint("baseline", -7, "baseline"), Timepoint("month_3", 90, "returned")),
        cells=300,
        genes=2000,
        handful=False,
        seed=1,
    ),
}
"""Cohorts by name: the embedded demo, and the small one of the tests."""

BASELINE = {
    "nB": 5.0, "trB": 1.5, "mB": 2.0, "swB": 2.6, "aB": 2.4, "PB": 1.9,
    "n4": 11, "m4": 14, "reg": 2.5, "tfh": 2.4, "n8": 7, "e8": 13, "x8": 3, "mait": 1.8,
    "gd": 2.0, "nk": 7.5, "c14": 14, "c16": 2.8, "cdc": 1.8, "pdc": 1.2, "plt": 1.2,
    "car4": 0, "car8": 0,
}  # fmt: skip
"""Blood mononuclear cells of active lupus, in percent."""

B_AFTER = {
    "depleted": {"nB": 0.03, "trB": 0, "mB": 0.01, "swB": 0, "aB": 0, "PB": 0},
    "returned": {"nB": 6.4, "trB": 1.3, "mB": 0.4, "swB": 0.25, "aB": 0.1, "PB": 0.25},
}
"""B cells and plasmablasts after the infusion, in percent of all cells."""

OTHER_AFTER = {
    "depleted": {"pdc": 0.5, "car4": 1.5, "car8": 4.0, "c14": 1.25},
    "returned": {"pdc": 0.8, "car4": 0.3, "car8": 0.8},
}
"""Other kinds after the infusion: percent for CAR T cells, else a factor on the baseline."""

HANDFUL = {"nB": 4, "mB": 2}
"""B cells of the one depleted sample that keeps a handful of them, and has no BCR file."""


def validate(spec: CohortSpec) -> CohortSpec:
    """Return `spec` as it will be run; a null cohort loses effects, CAR T cells and depletion.

    Raises
    ------
    InputError
        For a parameter out of its range.
    """
    low, high = spec.ambient
    checks = {
        "patients": 1 <= spec.patients <= 999,
        "cells": spec.cells >= 20,
        "timepoints": len({t.name for t in spec.timepoints}) == len(spec.timepoints) >= 1,
        "ambient": 0 <= low <= high < 1,
        "doublets": 0 <= spec.doublets < 0.5,
        "doublets-bt": 0 <= spec.doublets_bt <= 1,
        "low-quality": 0 <= spec.low_quality < 0.5,
        "depth": spec.depth >= 100,
        "chemistry": spec.chemistry >= 0,
        "genes-lost": 0 <= spec.genes_lost < 1,
    }
    for name, good in checks.items():
        if not good:
            raise InputError(f"--{name}: out of range. Give a value that a cohort can have")
    if spec.library_sd is None:
        spec = replace(spec, library_sd=0.0 if spec.null else 0.1)
    if not spec.null:
        return spec
    same = tuple(point._replace(state="baseline") for point in spec.timepoints)
    return replace(
        spec, timepoints=same, interferon=0.0, jak_stat=0.0, effect_sd=0.0, car=False,
        handful=False,
    )  # fmt: skip


def rng_for(spec: CohortSpec, *key: int) -> np.random.Generator:
    """Return the generator of one patient or sample: a function of the seed and `key` alone."""
    return np.random.default_rng(np.random.SeedSequence(spec.seed, spawn_key=key))


def patient_name(spec: CohortSpec, patient: int) -> str:
    """Return a patient's name (LN01 ...)."""
    return f"{spec.prefix}{patient + 1:02d}"


def sample_name(spec: CohortSpec, patient: int, time: int) -> str:
    """Return a sample's name."""
    return f"{patient_name(spec, patient)}_{spec.timepoints[time].name}"


def is_handful(spec: CohortSpec, patient: int, time: int) -> bool:
    """Return whether this is the depleted sample with a handful of B cells and no BCR file."""
    first = [i for i, t in enumerate(spec.timepoints) if t.state == "depleted"][:1]
    return spec.handful and patient == min(1, spec.patients - 1) and first == [time]


def is_followup(spec: CohortSpec, time: int) -> bool:
    """Return whether a timepoint is a follow-up; of a null cohort, any but the first."""
    return spec.timepoints[time].state != "baseline" or (spec.null and time > 0)


def composition(spec: CohortSpec, patient: int, time: int) -> np.ndarray:
    """Return the expected share of each kind of cell in one sample.

    Patients differ by a lognormal factor a kind (sd .2), the same at all times; samples of one
    patient by another (sd .1), which a null cohort leaves out.
    """
    state = spec.timepoints[time].state
    share = np.array([BASELINE[name] for name in NAMES], dtype=float)
    share *= rng_for(spec, 1, patient, 0).lognormal(0, 0.2, len(share))
    if not spec.null:
        share *= rng_for(spec, 2, patient, time, 0).lognormal(0, 0.1, len(share))
    if state != "baseline":
        bs = [index(name) for name in B_AFTER[state]]
        share[bs] = 0
        for name, value in OTHER_AFTER[state].items():
            if name not in ("car4", "car8"):
                share[index(name)] *= value
            elif spec.car:
                share[index(name)] = value
        after = np.array([B_AFTER[state].get(name, 0.0) for name in NAMES])
        share = share / share.sum() * (100 - after.sum()) + after
    return share / share.sum()


def effects(spec: CohortSpec, patient: int, time: int) -> dict[str, np.ndarray]:
    """Return program -> log2 change of its share against baseline, by kind of cell.

    Monocytes change by 1.1 times the interferon effect, dendritic cells by .9; patients by a
    normal deviation of sd `effect_sd`, the same at all their follow-ups and in all kinds.
    """
    zero = np.zeros(len(NAMES))
    if spec.timepoints[time].state == "baseline":
        return {"interferon": zero, "jak_stat": zero}
    shift = rng_for(spec, 1, patient, 1).normal(0, spec.effect_sd, 2)
    weight = np.ones(len(NAMES))
    weight[[index(name) for name in members("mono")]] = 1.1
    weight[[index(name) for name in members("DC")]] = 0.9
    interferon = spec.interferon + (shift[0] if spec.interferon else 0.0)
    jak_stat = spec.jak_stat + (shift[1] / 3 if spec.jak_stat else 0.0)
    return {"interferon": interferon * weight, "jak_stat": jak_stat * np.ones(len(NAMES))}
