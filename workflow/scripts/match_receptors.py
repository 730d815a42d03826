"""Match the user's table of public or known autoreactive receptors against all clones.

Inputs: `lookup` (the user's TSV), `clonotypes` (of every patient). Output: `lookup`, tables/lookup.
"""

import logging

from immune_reset import lookup, tables
from immune_reset.runtime import start

logger = logging.getLogger("match_receptors")


def main(smk) -> None:
    """Snakemake entry point: read, compute, write."""
    start(smk)
    place = str(smk.input.lookup)
    receptors = lookup.parse(lookup.read(place), place=place)
    if bare := lookup.without_anchors(receptors):
        logger.warning("%s: %d junctions do not run from C to F or W: no match", place, bare)
    found = lookup.match(tables.read_many(smk.input.clonotypes), receptors)
    logger.info("%d receptors listed, %d clones matched", len(receptors), len(found))
    tables.write(found, smk.output.lookup)


if __name__ == "__main__":
    main(snakemake)
