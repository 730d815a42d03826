"""List the clusters as a sheet that people edit: what each was called, how surely, and what else.

A copy with words in the column `label` is a table of overrides (`annotation.overrides`). Rows left
empty there stay as the markers say. What was overridden in this run stands in `label` already.
"""

import logging

import pandas as pd

from immune_reset import design, tables, text_files
from immune_reset.runtime import start

logger = logging.getLogger("list_clusters")

MOST = 6  # patients or timepoints named in a cell
COLUMNS = [
    "cluster", "label", "suggested", "n_cells", "confidence", "mark", "alternative",
    "alternative_score", "top_markers", "patients", "timepoints", "largest_patient_share", "source",
    "note",
]  # fmt: skip


def shares_of(cells: pd.Series, order: list[str]) -> tuple[str, float]:
    """Return what share of the cells each group holds, in words, and the largest share.

    Groups in `order`; those beyond `MOST` are summed up. "P1 60 %, P2 40 %".
    """
    share = cells.value_counts(normalize=True)
    named = [name for name in order if name in share.index]
    said = [f"{name} {100 * share[name]:.0f} %" for name in named[:MOST]]
    if rest := named[MOST:]:
        said.append(f"{len(rest)} others {100 * share[rest].sum():.0f} %")
    return ", ".join(said), float(share.max()) if len(share) else float("nan")


def sheet(
    clusters: pd.DataFrame, labels: pd.DataFrame, samples: pd.DataFrame, times: list[str],
    words: pd.DataFrame | None, *, least: float,
) -> pd.DataFrame:  # fmt: skip
    """Return one row per cluster, in the order of `clusters`, with the columns `COLUMNS`.

    Parameters
    ----------
    clusters
        tables/clusters.tsv.
    labels
        cell_id, sample, cluster of every cell.
    samples
        sample, patient, timepoint; `times`: the timepoints in their order.
    words
        The overrides of this run (cluster, label), None without.
    least
        Confidence below which `mark` is "low".
    """
    people = samples.set_index(samples["sample"].astype(str))
    cells = labels.assign(
        patient=labels["sample"].astype(str).map(people["patient"].astype(str)),
        timepoint=labels["sample"].astype(str).map(people["timepoint"].astype(str)),
        cluster=labels["cluster"].astype(str),
    )
    groups = dict(tuple(cells.groupby("cluster")))
    given = (
        {} if words is None else dict(words[["cluster", "label"]].fillna("").astype(str).to_numpy())
    )
    made = clusters.assign(cluster=clusters["cluster"].astype(str))
    subtype = made["cell_subtype"].fillna("").astype(str)
    made["suggested"] = subtype.where(subtype.ne(""), made["cell_type"])
    made["label"] = made["cluster"].map(given).fillna("")
    made["mark"] = ["low" if value < least else "" for value in made["confidence"].astype(float)]
    for name in made["cluster"]:
        own = groups.get(name, cells.iloc[:0])
        row = made["cluster"] == name
        biggest = own["patient"].value_counts().index.tolist()
        text, largest = shares_of(own["patient"], biggest)
        made.loc[row, ["patients", "largest_patient_share"]] = text, round(largest, 4)
        made.loc[row, "timepoints"] = shares_of(own["timepoint"], times)[0]
    return made[COLUMNS]


def main(smk) -> None:
    """Snakemake entry point: read, compute, write."""
    start(smk)
    overrides = tables.optional(smk.input, "overrides")
    made = sheet(
        tables.read(smk.input.clusters),
        tables.read(smk.input.labels, ["cell_id", "sample", "cluster"]),
        design.frame(smk.params.design),
        [str(name) for name in smk.params.design["timepoints"]],
        text_files.plain_table(overrides) if overrides else None,
        least=smk.params.cfg["annotation.min_confidence"],
    )
    logger.info("%d clusters, %d marked as low", len(made), made["mark"].eq("low").sum())
    tables.write(made, smk.output.sheet)


if __name__ == "__main__":
    main(snakemake)
