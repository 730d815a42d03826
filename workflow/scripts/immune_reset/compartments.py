"""Clone sizes of one patient by receptor, compartment and timepoint.

Compartments: BCR all, naive, memory, plasma; TCR all, CD4, CD8, CAR T. `all` holds every cell
with a clone of that receptor whatever its label. Replicate samples of a timepoint are pooled.
"""

import logging
import zlib
from itertools import product

import numpy as np
import pandas as pd

from immune_reset.diversity_rows import UNITS
from immune_reset.hill import Abundances, abundances

logger = logging.getLogger(__name__)

Samples = dict[tuple[str, str, str], Abundances]

RECEPTORS = ("BCR", "TCR")
LABELS = {
    ("BCR", "naive"): ("cell_subtype", ("naive B", "transitional B")),
    ("BCR", "memory"): ("cell_subtype", ("memory B", "switched memory B", "atypical B")),
    ("BCR", "plasma"): ("cell_type", ("plasma",)),
    ("TCR", "CD4"): ("cell_type", ("CD4 T",)),
    ("TCR", "CD8"): ("cell_type", ("CD8 T",)),
}


def files_at(design: dict) -> dict[tuple[str, str], bool]:
    """Return, by (receptor, timepoint), whether any of its samples came with a V(D)J file."""
    return {
        (receptor, timepoint): any(
            row.get(f"has_{receptor.lower()}", True)
            for row in design["samples"]
            if row["timepoint"] == timepoint
        )
        for receptor, timepoint in product(RECEPTORS, design["timepoints"])
    }


def split_compartments(
    clonotypes: pd.DataFrame,
    labels: pd.DataFrame | None,
    car: pd.DataFrame | None,
    *,
    timepoints: list[str],
) -> Samples:
    """Return the clone sizes by (receptor, compartment, timepoint), empty samples included.

    clonotypes: cell_id, timepoint, receptor, clone_id; labels: cell_id, cell_type, cell_subtype
    (None: no compartment that rests on labels); car: cell_id, car (None: no CAR T). Only `all`
    where no timepoint has a cell of the receptor.
    """
    cells = clonotypes.loc[
        clonotypes["clone_id"].notna(), ["cell_id", "timepoint", "receptor", "clone_id"]
    ]
    if labels is not None:
        own = labels[["cell_id", "cell_type", "cell_subtype"]]
        cells = cells.merge(own, on="cell_id", how="left", validate="m:1")
        logger.info("%d cells with a clone have no label", cells["cell_type"].isna().sum())
    carriers = [] if car is None else car.loc[car["car"].astype(bool), "cell_id"]
    samples: Samples = {}
    for receptor, compartment in UNITS:
        mine = cells[cells["receptor"] == receptor]
        known = car is not None if compartment == "CAR T" else labels is not None
        if compartment != "all" and (mine.empty or not known):
            continue
        if compartment == "CAR T":
            mine = mine[mine["cell_id"].isin(carriers)]
        elif compartment != "all":
            column, names = LABELS[receptor, compartment]
            mine = mine[mine[column].isin(names)]
        for timepoint in timepoints:
            sizes = mine.loc[mine["timepoint"] == timepoint, "clone_id"].value_counts()
            samples[receptor, compartment, timepoint] = abundances(sizes.to_numpy())
    return samples


def common_depths(samples: Samples, *, min_cells: int) -> dict[tuple[str, str], int]:
    """Return, by (receptor, compartment), the smallest timepoint's cells from `min_cells` on."""
    depths: dict[tuple[str, str], int] = {}
    for (receptor, compartment, _), a in samples.items():
        if a.n_cells >= min_cells:
            key = (receptor, compartment)
            depths[key] = min(a.n_cells, depths.get(key, a.n_cells))
    return depths


def generator(seed: int, *names: str) -> np.random.Generator:
    """Return a generator of the seed and the sample's own names, whatever else is measured."""
    return np.random.default_rng([seed, zlib.crc32("|".join(names).encode())])
