"""Put the diversity of all patients into the cohort's tables.

Apart from the other tables of the repertoire (`gather_repertoire`), so that a setting of diversity
draws and tests nothing anew that it does not touch. Outputs: `diversity` (tables/diversity.tsv),
`change` (tables/diversity_change.tsv) and `curves`, the curves of the figures.
"""

import logging

from immune_reset import tables
from immune_reset.runtime import start

logger = logging.getLogger("gather_diversity")

TABLES = ("diversity", "change", "curves")


def main(smk) -> None:
    """Snakemake entry point: read, put together, write."""
    start(smk)
    for name in TABLES:
        rows = tables.stack(getattr(smk.input, name), getattr(smk.output, name))
        logger.info("%s: %d rows", name, rows)


if __name__ == "__main__":
    main(snakemake)
