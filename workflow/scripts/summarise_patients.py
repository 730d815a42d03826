"""Write one wide row per patient: levels at each timepoint and every claim, for R or Prism.

Column names hold letters, digits, dots and underscores alone: `<quantity>__<timepoint>` for a
level, `<claim>[_<compartment>]__<comparison>` for a change and the same with `__direction` for
its verdict.
"""

import logging
import re
from collections.abc import Mapping

import pandas as pd

from immune_reset import design as designs
from immune_reset import tables
from immune_reset.design import Design
from immune_reset.runtime import start

logger = logging.getLogger("summarise_patients")

LEVELS = ("qc", "composition", "diversity", "clinical")
Long = pd.DataFrame
EMPTY = pd.DataFrame(columns=["patient", "column", "value"])


def column_name(*parts: str) -> str:
    """Join the parts by two underscores; every other character than letters, digits, dot is _."""
    return "__".join(re.sub(r"[^A-Za-z0-9.]+", "_", part).strip("_") for part in parts if part)


def design_levels(design: Design) -> Long:
    """Return day and number of samples of each patient and timepoint, as patient, column, value."""
    samples = designs.frame(design).astype({"timepoint": str})
    keys = ["patient", "timepoint"]
    days = samples.assign(value=pd.to_numeric(samples["day"])).groupby(keys, sort=False)["value"]
    counts = samples.groupby(keys, sort=False).size()
    return pd.concat(
        [
            _long(days.mean().reset_index(), "day"),
            _long(counts.rename("value").reset_index(), "samples"),
        ]
    )


def cell_levels(qc: pd.DataFrame | None, design: Design) -> Long:
    """Return the cells kept of each patient and timepoint, replicates summed."""
    if qc is None:
        return EMPTY
    samples = designs.frame(design).astype({"timepoint": str})
    joined = qc.merge(samples[["sample", "patient", "timepoint"]], on="sample")
    sums = joined.groupby(["patient", "timepoint"], sort=False)["cells_kept"].sum()
    return _long(sums.rename("value").reset_index(), "cells_kept")


def composition_levels(composition: pd.DataFrame | None) -> Long:
    """Return the share of every cell type, and of subsets within their type, replicates pooled."""
    if composition is None or composition.empty:
        return EMPTY
    keys = ["patient", "timepoint", "parent", "cell_type"]
    own = composition.assign(parent=composition["parent"].fillna(""))
    sums = own.groupby(keys, sort=False)[["n_cells", "n_total"]].sum().reset_index()
    sums = sums.loc[sums["n_total"] > 0].assign(value=sums["n_cells"] / sums["n_total"])
    inside = (" of " + sums["parent"]).where(sums["parent"] != "", "")
    return _long(sums, "fraction " + sums["cell_type"] + inside)


def diversity_levels(diversity: pd.DataFrame | None) -> Long:
    """Return D1 rarefied to the patient's common number of cells, where estimable."""
    if diversity is None or diversity.empty:
        return EMPTY
    chosen = (
        (diversity["q"].astype(float) == 1)
        & (diversity["estimator"] == "rarefied")
        & (diversity["status"] == "estimable")
    )
    own = diversity.loc[chosen]
    return _long(own, own["receptor"] + " D1 " + own["compartment"])


def clinical_levels(clinical: pd.DataFrame | None) -> Long:
    """Return each measure at each timepoint: the value nearest in time to the sample."""
    if clinical is None or clinical.empty:
        return EMPTY
    own = clinical.loc[(clinical["kind"] == "measure") & (clinical["timepoint"] != "")]
    own = own.assign(
        value=pd.to_numeric(own["value"], errors="coerce"), far=own["days_from_sample"].abs()
    )
    own = own.dropna(subset="value").sort_values("far", kind="stable")
    own = own.drop_duplicates(["patient", "measure", "timepoint"])
    return _long(own, own["measure"])


def claim_values(claims: pd.DataFrame) -> Long:
    """Return estimate and direction of every claim of a patient."""
    own = claims.loc[claims["scope"] != "cohort"].rename(columns={"scope": "patient"})
    what = (own["claim"] + " " + own["compartment"]).str.strip()
    parts = []
    for kind in ("estimate", "direction"):
        suffix = kind if kind == "direction" else ""
        names = [
            column_name(claim, comparison, suffix)
            for claim, comparison in zip(what, own["comparison"], strict=True)
        ]
        parts.append(own.assign(column=names, value=own[kind].astype(object)))
    return pd.concat(parts)[["patient", "column", "value"]]


def widen(parts: list[Long], patients: list[str]) -> pd.DataFrame:
    """Return one row per patient in the order given, columns in the order first met.

    Raises
    ------
    ValueError
        If a patient has two values in one column.
    """
    every = pd.concat([part.astype(object) for part in parts if len(part)])
    wide = every.pivot(index="patient", columns="column", values="value")
    wide = wide.reindex(index=patients, columns=list(dict.fromkeys(every["column"])))
    return wide.rename_axis(index="patient", columns=None).reset_index()


def _long(frame: pd.DataFrame, quantity: str | pd.Series) -> Long:
    what = pd.Series(quantity, index=frame.index)
    names = [column_name(w, t) for w, t in zip(what, frame["timepoint"], strict=True)]
    return frame.assign(column=names)[["patient", "column", "value"]]


def all_levels(found: Mapping[str, pd.DataFrame | None], design: Design) -> list[Long]:
    """Return every level, in the order of the columns of the table."""
    return [
        design_levels(design),
        cell_levels(found["qc"], design),
        composition_levels(found["composition"]),
        diversity_levels(found["diversity"]),
        clinical_levels(found["clinical"]),
    ]


def main(smk) -> None:
    """Snakemake entry point: read, compute, write."""
    start(smk)
    paths = {name: tables.optional(smk.input, name) for name in LEVELS}
    found = {name: None if path is None else tables.read(path) for name, path in paths.items()}
    plan = smk.params.design
    patients = list(dict.fromkeys(row["patient"] for row in plan["samples"]))
    parts = [*all_levels(found, plan), claim_values(tables.read(smk.input.claims))]
    table = widen(parts, patients)
    logger.info("%d patients, %d columns", *table.shape)
    tables.write(table, smk.output.patients)


if __name__ == "__main__":
    main(snakemake)
