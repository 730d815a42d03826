"""Put the repertoire tables of all patients into the cohort's; diversity: `gather_diversity`."""

import logging

import pandas as pd

from immune_reset import tables
from immune_reset.runtime import start

logger = logging.getLogger("gather_repertoire")

TABLES = (
    "fates", "returned", "usage", "isotypes", "overlap", "group", "lengths", "expansion",
    "turnover", "car",
)  # fmt: skip


def gather_clones(clones: pd.DataFrame, *, timepoints: list[str]) -> pd.DataFrame:
    """Return the clones of all patients, `n_<timepoint>` for every timepoint of the cohort.

    Timepoints stand in the design's order, before the columns that follow the clone's cells; a
    patient that was not sampled then, or not sequenced for that receptor, has a missing value
    there, which is not 0.
    """
    counts = [f"n_{timepoint}" for timepoint in timepoints]
    found = clones.reindex(columns=[*clones.columns, *(c for c in counts if c not in clones)])
    found = found.astype(dict.fromkeys(counts, "Int64"))
    return found[[*(c for c in found if c not in counts), *counts]]


def main(smk) -> None:
    """Snakemake entry point: read, compute, write."""
    start(smk)
    clones = gather_clones(
        tables.read_many(smk.input.clones), timepoints=smk.params.design["timepoints"]
    )
    tables.write(clones, smk.output.clones)
    logger.info("clones: %d rows", len(clones))
    for name in TABLES:
        rows = tables.stack(getattr(smk.input, name), getattr(smk.output, name))
        logger.info("%s: %d rows", name, rows)


if __name__ == "__main__":
    main(snakemake)
