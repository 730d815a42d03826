"""Put the claims under other settings, of receptors and of cells, into one table.

Inputs: `repertoire`, one per patient (`vary_clonotypes`), and `cells` (`vary_cells`), each where
the cohort has it. Output: `robustness` (tables/robustness.tsv).
"""

import logging

import pandas as pd

from immune_reset import tables
from immune_reset.runtime import start

logger = logging.getLogger("gather_robustness")

COUNTS = ("min_umis", "n_baseline", "n_followup")


def gather(parts: list[pd.DataFrame], columns: list[str]) -> pd.DataFrame:
    """Return the rows of all parts with `columns`; a setting that a part does not vary is empty."""
    filled = [part for part in parts if len(part)] or parts[:1]
    found = pd.concat(filled, ignore_index=True)
    found = found.reindex(columns=[*columns, *(name for name in found if name not in columns)])
    return found.astype(dict.fromkeys(COUNTS, "Int64"))


def main(smk) -> None:
    """Snakemake entry point: read, compute, write."""
    start(smk)
    parts = []
    if patients := tables.optional(smk.input, "repertoire"):
        parts.append(tables.read_many([patients] if isinstance(patients, str) else patients))
    if cells := tables.optional(smk.input, "cells"):
        parts.append(tables.read(cells))
    found = gather(parts, tables.fixed_columns("robustness"))
    tables.write(found, smk.output.robustness)
    logger.info("robustness: %d rows", len(found))


if __name__ == "__main__":
    main(snakemake)
