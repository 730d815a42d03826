"""Put the scores and changes of the shipped gene sets and of the user's own into the tables.

Inputs, of either part (`compare_pathways`, `attribute_change`): `scores`, `change`, `genes`,
`attribution`. Outputs of the same names: tables/pathway_scores.tsv, pathway_change.tsv,
pathway_genes.tsv, attribution.tsv; what they say of the same cells stands together.
"""

import logging

from immune_reset import tables
from immune_reset.runtime import start

logger = logging.getLogger("gather_pathways")

KEYS = {
    "scores": ["sample", "cell_type"],
    "change": ["scope", "comparison", "cell_type"],
    "genes": ["patient", "comparison", "cell_type"],
    "attribution": ["patient", "comparison"],
}
COUNTED = (
    "n_baseline", "n_followup", "umis_baseline", "umis_followup", "n_patients", "n_increased",
    "n_decreased",
)  # fmt: skip
"""Counts of `change`, missing where a row has none, written as whole numbers."""


def main(smk) -> None:
    """Snakemake entry point: read, compute, write."""
    start(smk)
    found = {name: tables.read_parts(getattr(smk.input, name), keys) for name, keys in KEYS.items()}
    found["change"] = found["change"].astype(dict.fromkeys(COUNTED, "Int64"))
    for name, table in found.items():
        tables.write(table, getattr(smk.output, name))
    logger.info("rows: %s", {name: len(table) for name, table in found.items()})


if __name__ == "__main__":
    main(snakemake)
