"""Put the enrichment of the shipped gene sets and of the user's own into one table.

Input: `parts`, the enrichment of either (`enrich_pathways`). Output: `enrichment`
(tables/enrichment.tsv), a comparison's and cell type's sets together.
"""

import logging

import numpy as np
import pandas as pd

from immune_reset import tables
from immune_reset.runtime import start

logger = logging.getLogger("gather_enrichment")


def together(rows: pd.DataFrame) -> pd.DataFrame:
    """Return the rows by comparison and cell type, these in the order of their first row."""
    place = rows.groupby(["comparison", "cell_type"], sort=False).ngroup()
    return rows.iloc[np.argsort(place.to_numpy(), kind="stable")].reset_index(drop=True)


def main(smk) -> None:
    """Snakemake entry point: read, compute, write."""
    start(smk)
    found = together(tables.read_many(smk.input.parts))
    tables.write(found, smk.output.enrichment)
    logger.info("enrichment: %d rows", len(found))


if __name__ == "__main__":
    main(snakemake)
