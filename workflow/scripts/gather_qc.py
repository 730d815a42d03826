"""Gather the samples' quality control into tables/qc.tsv, in the order of the sheet."""

import logging

import pandas as pd

from immune_reset import tables
from immune_reset.errors import at
from immune_reset.runtime import start

logger = logging.getLogger("gather_qc")


def check_any_kept(qc: pd.DataFrame) -> None:
    """Refuse a cohort of which no cell is left; name in the log the samples that lost all.

    Raises
    ------
    InputError
        If every sample lost all its cells.
    """
    for row in qc.loc[qc["cells_kept"] == 0].itertuples():
        logger.warning("%s: no cell of %d barcodes was kept", row.sample, row.barcodes_in)
    if not qc["cells_kept"].any():
        reason = qc.filter(like="lost_").sum().idxmax().removeprefix("lost_").replace("_", " ")
        found = f"no cell of any sample passed quality control, most for {reason}"
        raise at("config.yaml, section qc", found, "Relax its thresholds, or check the matrices")


def main(smk) -> None:
    """Snakemake entry point: read, compute, write."""
    start(smk)
    qc = tables.read_many(smk.input.qc)
    check_any_kept(qc)
    tables.write(qc, smk.output.qc)


if __name__ == "__main__":
    main(snakemake)
