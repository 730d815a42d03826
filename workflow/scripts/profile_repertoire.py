"""Describe one patient's repertoires: V genes, CDR3 lengths, isotypes, overlap with the baseline.

Genes, lengths and isotypes are given by cell and by clone (each clone once), since one expanded
clone moves a share by cell. A timepoint at which a receptor was not sequenced has no rows, but for
the isotypes, which say so.
"""

import logging

import numpy as np
import pandas as pd

from immune_reset import design as designs
from immune_reset import isotypes, ledger, overlap, tables
from immune_reset.intervals import wilson
from immune_reset.runtime import start

logger = logging.getLogger("profile_repertoire")

SUBSETS = {"all": "", "IgG": "IGHG"}  # by the constant gene of the heavy chain
SHARES = {
    "n_cells": "int64", "total_cells": "int64", "fraction_cells": "float64",
    "ci_low": "float64", "ci_high": "float64",
    "n_clones": "int64", "total_clones": "int64", "fraction_clones": "float64",
    "ci_low_clones": "float64", "ci_high_clones": "float64",
}  # fmt: skip


def sequenced(clonotypes: pd.DataFrame, design: dict) -> pd.DataFrame:
    """Return the cells of timepoints at which their receptor was sequenced."""
    there = {(r, t) for r in ledger.RECEPTORS for t in ledger.sequenced_at(design, r)}
    pairs = zip(clonotypes["receptor"], clonotypes["timepoint"], strict=True)
    return clonotypes[np.array([pair in there for pair in pairs], dtype=bool)]


def shares(cells: pd.DataFrame, value: str, within: list[str]) -> pd.DataFrame:
    """Return the share of each `value` within the groups, by cell and by clone, with Wilson's ends.

    A clone with two values (a clone of two light-chain genes, say) counts once for each. Rows
    without a value are left out of the totals.
    """
    cells = cells[[*within, "clone_id", value]].astype(object).dropna(subset=[value])
    by_cell = cells.groupby([*within, value], sort=True).size().rename("n_cells").reset_index()
    once = cells.drop_duplicates()
    by_clone = once.groupby([*within, value], sort=True).size().rename("n_clones").reset_index()
    found = by_cell.merge(by_clone, on=[*within, value])
    for unit, ends in (("cells", ("ci_low", "ci_high")), ("clones", None)):
        total = found.groupby(within)[f"n_{unit}"].transform("sum")
        low, high = wilson(found[f"n_{unit}"], total)
        names = ends or ("ci_low_clones", "ci_high_clones")
        found = found.assign(
            **{
                f"total_{unit}": total,
                f"fraction_{unit}": found[f"n_{unit}"] / total,
                names[0]: low,
                names[1]: high,
            }
        )
    return found[[*within, value, *SHARES]]


def gene_usage(cells: pd.DataFrame, *, patient: str) -> pd.DataFrame:
    """Return V-gene usage, by cell and by clone: patient, timepoint, receptor, locus, subset, ...

    Both chains of a receptor; shares are within the locus. Subsets: all cells, and of the heavy
    chain also the IgG cells alone. Columns of `shares`.
    """
    keys = ["timepoint", "receptor", "locus", "subset", "v_call"]
    heavy = cells[["clone_id", "timepoint", "receptor", "locus", "v_call"]]
    parts = []
    for subset, prefix in SUBSETS.items():
        own = heavy[cells["c_call"].fillna("").str.startswith(prefix)] if prefix else heavy
        parts.append(own.assign(subset=subset))
    vj = cells[["clone_id", "timepoint", "receptor", "vj_locus", "vj_v_call"]]
    vj = vj.rename(columns={"vj_locus": "locus", "vj_v_call": "v_call"}).dropna(subset=["locus"])
    both = pd.concat([*parts, vj.assign(subset="all")], ignore_index=True)
    usage = shares(both, "v_call", keys[:-1])
    usage.insert(0, "patient", patient)
    return usage.astype({**dict.fromkeys(["patient", *keys], "string"), **SHARES})


def junction_lengths(cells: pd.DataFrame, *, patient: str) -> pd.DataFrame:
    """Return the spectratype of the VDJ chains: cells and clones of each junction_aa length."""
    keys = ["timepoint", "receptor", "locus"]
    lengths = shares(cells.assign(length=cells["junction_aa"].str.len()), "length", keys)
    lengths.insert(0, "patient", patient)
    words = dict.fromkeys(["patient", *keys], "string")
    return lengths.astype({**words, "length": "int64", **SHARES})


def overlaps(clonotypes: pd.DataFrame, *, design: dict, seed: int) -> pd.DataFrame:
    """Return the overlap with the baseline, one row per comparison and receptor.

    See `immune_reset.overlap.compare`.
    """
    rows = []
    for receptor in ledger.RECEPTORS:
        there = ledger.sequenced_at(design, receptor)
        counts = ledger.count_cells(clonotypes, receptor, there)
        for followup, baseline, name in designs.comparisons(design):
            if followup in there and baseline in there:
                row = {"patient": design["patient"], "comparison": name, "receptor": receptor}
                x, y = (counts[time].to_numpy() for time in (baseline, followup))
                rows.append(row | overlap.compare(x, y, seed=seed))
    return overlap.as_table(rows, ["patient", "comparison", "receptor"])


def main(smk) -> None:
    """Snakemake entry point: read, compute, write."""
    start(smk)
    plan, seed = smk.params.design, smk.params.cfg["seed"]
    cells = sequenced(tables.read(smk.input.clonotypes), plan)
    patient = plan["patient"]
    tables.write(gene_usage(cells, patient=patient), smk.output.usage)
    tables.write(isotypes.describe(cells, design=plan), smk.output.isotypes)
    tables.write(overlaps(cells, design=plan, seed=seed), smk.output.overlap)
    tables.write(junction_lengths(cells, patient=patient), smk.output.lengths)
    logger.info("%s: %d cells with a clone described", patient, len(cells))


if __name__ == "__main__":
    main(snakemake)
