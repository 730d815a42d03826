"""Put the patients beside the healthy controls: did the follow-up come nearer to their range?

Inputs, where the cohort has them: `scores` (tables/pathway_scores.tsv), `composition`,
`diversity`, and `clonotypes` of every patient. Output: `reference` (tables/reference.tsv). It
describes and claims nothing; controls enter no other comparison.
"""

import logging

import pandas as pd

from immune_reset import design, reference, tables
from immune_reset.runtime import start

logger = logging.getLogger("compare_reference")


def main(smk) -> None:
    """Snakemake entry point: read, compute, write."""
    start(smk)
    names = ("scores", "composition", "diversity")
    paths = {name: tables.optional(smk.input, name) for name in names}
    found = {name: tables.read(path) for name, path in paths.items() if path}
    samples = design.frame(smk.params.design).astype({"timepoint": str})
    values = []
    if "scores" in found:
        values += [reference.pathway_values(found["scores"], samples)]
        values += [reference.composition_values(found["composition"], samples)]
    rows = [reference.beside_controls(frame) for frame in values]
    if "diversity" in found:
        columns = ["sample", "receptor", "clone_id"]
        clones = tables.read_many(smk.input.clonotypes, columns)
        rows.append(reference.diversity_beside_controls(found["diversity"], clones, samples))
    out = reference.toward(pd.concat(rows, ignore_index=True), smk.params.design)
    logger.info("%d rows, by status: %s", len(out), out["status"].value_counts().to_dict())
    tables.write(out, smk.output.reference)


if __name__ == "__main__":
    main(snakemake)
