"""Clones of one patient: pools with their size laws, planted fates, and who gets which receptor."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from immune_reset.simulation.course import CohortSpec, patient_name, rng_for
from immune_reset.simulation.receptors import mutate, new_receptors
from immune_reset.simulation.types import KINDS, NAMES

POOLS = {
    "cd8_effector": ("TCR", 400, 1.0),
    "cd4_memory": ("TCR", 4000, 0.7),
    "treg": ("TCR", 800, 0.5),
    "tfh": ("TCR", 400, 0.7),
    "mait": ("TCR", 80, 0.8),
    "car8": ("TCR", 60, 0.9),
    "car4": ("TCR", 80, 0.8),
    "b_memory": ("BCR", 120, 1.1),
}
"""Pool -> receptor, number of clones, exponent of the size law (share ~ rank^-exponent)."""

POOL_OF = {
    "e8": "cd8_effector", "x8": "cd8_effector", "m4": "cd4_memory", "reg": "treg", "tfh": "tfh",
    "mait": "mait", "car8": "car8", "car4": "car4", "mB": "b_memory", "swB": "b_memory",
    "aB": "b_memory", "PB": "b_memory",
}  # fmt: skip
"""Kind -> pool; naive and transitional cells have a receptor of their own, as have the few
memory B cells and plasmablasts after depletion."""

FATES = {3: ("contracted", 0.11, 0.008), 4: ("expanded", 0.012, 0.13), 5: ("new", 0.0, 0.09)}
"""Planted in cd8_effector: rank -> fate, share of the pool at baseline and at follow-ups."""

RETURNING_RANK, RETURNING_SHARE = 0, 0.25
"""Planted in the last patient: the largest B clone is back, in this share of the few memory B
cells and plasmablasts."""

SHM_RATE = {"mB": 0.015, "swB": 0.02, "aB": 0.02, "PB": 0.02}


@dataclass(frozen=True)
class Pool:
    """Clones of one pool: receptors by rank, shares (timepoints x clones), planted fates."""

    name: str
    receptors: pd.DataFrame
    share: np.ndarray
    fate: list[str]


def power_law(n: int, exponent: float) -> np.ndarray:
    """Return `n` shares proportional to rank^-exponent."""
    share = np.arange(1, n + 1, dtype=float) ** -exponent
    return share / share.sum()


def build_pools(spec: CohortSpec, patient: int) -> dict[str, Pool]:
    """Return the pools of one patient: the same whichever sample asks for them."""
    pools = {}
    for number, (name, (receptor, n, exponent)) in enumerate(POOLS.items()):
        rng = rng_for(spec, 1, patient, 2, number)
        receptors = new_receptors(rng, receptor, n, mait=name == "mait")
        clone = [f"{patient_name(spec, patient)}:{receptor}:{name}:{rank}" for rank in range(n)]
        receptors.insert(0, "clone_id", clone)
        share, fate = _shares(spec, patient, name, power_law(n, exponent))
        pools[name] = Pool(name, receptors, share, fate)
    if not spec.null and spec.car:
        source = pools["cd8_effector"].receptors.iloc[[7]]
        pools["car8"].receptors.iloc[[0]] = source.to_numpy()
    return pools


def _shares(
    spec: CohortSpec, patient: int, name: str, law: np.ndarray
) -> tuple[np.ndarray, list[str]]:
    """Return shares (timepoints x clones) within the pool, and each clone's planted fate."""
    share = np.tile(law, (len(spec.timepoints), 1))
    fate = ["persisting"] * len(law)
    changed = [i for i, point in enumerate(spec.timepoints) if point.state != "baseline"]
    if not changed:
        return share, fate
    if name == "cd8_effector":
        for rank, (planted, before, after) in FATES.items():
            share[:, rank] = before
            share[changed, rank] = after
            fate[rank] = planted
        rest = np.ones(len(law), dtype=bool)
        rest[list(FATES)] = False
        free = 1 - share[:, ~rest].sum(axis=1, keepdims=True)
        share[:, rest] *= free / share[:, rest].sum(axis=1, keepdims=True)
    elif name == "b_memory":
        share[changed] = 0
        fate = ["eradicated"] * len(law)
        if returns(spec, patient):
            fate[RETURNING_RANK] = "returned"
    elif name in ("car4", "car8"):
        share[[i for i in range(len(share)) if i not in changed]] = 0
        fate = ["new"] * len(law)
        if name == "car8":
            fate[0] = "persisting"
    return share, fate


def returns(spec: CohortSpec, patient: int) -> bool:
    """Return whether a baseline B clone comes back in this patient."""
    back = any(point.state == "returned" for point in spec.timepoints)
    return back and patient == spec.patients - 1


def assign_receptors(
    rng: np.random.Generator,
    spec: CohortSpec,
    *,
    patient: int,
    time: int,
    kinds: np.ndarray,
    pools: dict[str, Pool],
    sample: str,
) -> pd.DataFrame:
    """Return the receptor of every cell that has one: columns of `new_receptors`, `clone_id`.

    The index is the position in `kinds`. Cells of a pool draw a clone by its share; others, and
    pools that are empty at this time, get a receptor of their own. B cells are mutated from their
    clone's junction; naive ones are not.
    """
    frames = []
    state = spec.timepoints[time].state
    for name in NAMES:
        cells = np.flatnonzero(kinds == NAMES.index(name))
        receptor = KINDS[name].receptor
        if not receptor or not len(cells):
            continue
        pool = pools.get(POOL_OF.get(name, ""))
        if pool is not None and pool.share[time].sum() > 0:
            frame = pool.receptors.iloc[rng.choice(len(pool.fate), len(cells), p=pool.share[time])]
        else:
            frame = new_receptors(rng, receptor, len(cells))
            ids = [f"{sample}:{receptor}:{name}:{i}" for i in range(len(cells))]
            frame.insert(0, "clone_id", ids)
            if receptor == "BCR" and state == "returned" and returns(spec, patient):
                _bring_back(rng, frame, pools["b_memory"], name)
        frame = frame.reset_index(drop=True)
        frame.index = cells
        for chain in ("vdj_nt", "vj_nt") if name in SHM_RATE else ():
            frame[chain] = mutate(rng, frame[chain].to_numpy(), SHM_RATE[name])
        frames.append(frame)
    return (
        pd.concat(frames).sort_index()
        if frames
        else new_receptors(rng, "BCR", 0).assign(clone_id=[])
    )


def _bring_back(rng: np.random.Generator, frame: pd.DataFrame, pool: Pool, name: str) -> None:
    """Give memory cells of a returned compartment the planted clone's receptor, in place."""
    if name not in ("mB", "swB", "aB", "PB"):
        return
    chosen = np.flatnonzero(rng.random(len(frame)) < RETURNING_SHARE)
    frame.iloc[chosen] = pool.receptors.iloc[[RETURNING_RANK] * len(chosen)].to_numpy()
