"""Put the enrichment of the shipped gene sets and of the user's own into one table.

Input: `parts`, the enrichment of either (`enrich_pathways`). Output: `enrichment`
(tables/enrichment.tsv), a comparison's and cell type's sets together.
"""

import logging

from immune_reset import tables
from immune_reset.runtime import start

logger = logging.getLogger("gather_enrichment")

KEYS = ["comparison", "cell_type"]


def main(smk) -> None:
    """Snakemake entry point: read, compute, write."""
    start(smk)
    found = tables.read_parts(smk.input.parts, KEYS)
    tables.write(found, smk.output.enrichment)
    logger.info("enrichment: %d rows", len(found))


if __name__ == "__main__":
    main(snakemake)
