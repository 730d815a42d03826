"""Follow-ups sequenced in another way than the baselines: gene-wise factors, genes, batch.

All follow-ups of a cohort share them, so that a change of chemistry looks like a change with time.
"""

import numpy as np

from immune_reset.simulation.course import CohortSpec, is_followup, rng_for
from immune_reset.simulation.panel import Panel

OF_EVERY_REFERENCE = ("IG", "TR", "CAR_")
"""Starts of the names of genes that are never lost: receptor genes and the transgene."""


def batch_name(spec: CohortSpec, patient: int, time: int) -> str:
    """Return the batch of a sample: one a patient, and another for follow-ups of new chemistry."""
    other = (spec.chemistry or spec.genes_lost) and is_followup(spec, time)
    return f"run{patient + 1}{'_new_chemistry' if other else ''}"


def factors(spec: CohortSpec, panel: Panel, time: int) -> np.ndarray:
    """Return what each gene's level is multiplied by at a timepoint; 1 at the baselines."""
    n = len(panel.symbols)
    if not is_followup(spec, time):
        return np.ones(n)
    return 2 ** rng_for(spec, 3, 0).normal(0, spec.chemistry, n)


def measured_genes(spec: CohortSpec, panel: Panel, time: int) -> np.ndarray:
    """Return the columns of the panel that a timepoint's reference holds, in order.

    The baselines' holds all; the follow-ups' lacks `genes_lost` of them, `OF_EVERY_REFERENCE`
    aside.
    """
    every = np.arange(len(panel.symbols))
    if not (spec.genes_lost and is_followup(spec, time)):
        return every
    kept = rng_for(spec, 3, 1).random(len(every)) >= spec.genes_lost
    kept |= [name.startswith(OF_EVERY_REFERENCE) for name in panel.symbols]
    return every[kept]
