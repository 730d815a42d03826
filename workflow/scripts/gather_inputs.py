"""Say of every sample what was given: format, genes, sex, ambient RNA, barcodes.

Inputs: `load` (load.json) and `counts` (counts.h5ad, names of genes alone) of all samples,
`receptors` (receptors.json) where there are contigs. Outputs: `inputs`, tables/inputs.tsv, and with
count matrices `ambient`, tables/ambient.tsv.
"""

import logging
from typing import Any

import pandas as pd

from immune_reset import counts, input_remarks, tables
from immune_reset.runtime import start

logger = logging.getLogger("gather_inputs")


def shared_genes(genes: list[set[str]]) -> int:
    """Return how many genes all samples measure."""
    return len(set.intersection(*genes)) if genes else 0


def row_of(
    sample: dict[str, Any], load: dict[str, Any], receptors: dict[str, Any], *, shared: int
) -> dict[str, Any]:
    """Return a sample's row, without its remark.

    `load` and `receptors` are the facts of `load_sample` and `read_receptors`, {} where there is
    no such file; the columns are those of the table `inputs`.
    """
    read = [receptors[kind] for kind in ("BCR", "TCR") if receptors.get(kind)]
    rules = [
        facts["barcodes"] for facts in read if facts.get("barcodes", "as written") != "as written"
    ]
    others = load.get("other_features", {})
    sex = load.get("sex", {})
    return {
        "sample": sample["sample"],
        "patient": sample["person"],
        "format": load.get("format", ""),
        "barcodes": load.get("n_barcodes"),
        "other_donors": load.get("n_other_donors"),
        "genes": load.get("n_genes"),
        "genes_shared": shared if load else None,
        "other_features": "; ".join(f"{n} {kind}" for kind, n in sorted(others.items())),
        "sex": sex.get("sex", ""),
        "xist_umis": sex.get("xist_umis"),
        "y_umis": sex.get("y_umis"),
        "ambient": load.get("ambient", {}).get("ambient"),
        "contig_cells": sum(facts["cells"] for facts in read) if read else None,
        "barcode_rule": "; ".join(dict.fromkeys(rule for rule in rules if "read as" in rule)),
    }


def ambient_table(samples: list[dict[str, Any]], loads: list[dict[str, Any]]) -> pd.DataFrame:
    """Return one row a sample: what `ambient.estimate` found, after sample and patient."""
    return pd.DataFrame(
        {"sample": sample["sample"], "patient": sample["person"], **load["ambient"]}
        for sample, load in zip(samples, loads, strict=True)
    )


def main(smk) -> None:
    """Snakemake entry point: read, compute, write."""
    start(smk)
    samples = smk.params.design["samples"]
    facts: dict[str, list[dict]] = {}
    for name in ("load", "receptors"):
        paths = tables.optional(smk.input, name)
        facts[name] = [tables.read_json(p) for p in paths] if paths else [{}] * len(samples)
    genes = [
        set(counts.read_genes(path).index) for path in tables.optional(smk.input, "counts") or []
    ]
    shared = shared_genes(genes)
    rows = [
        row_of(sample, load, receptors, shared=shared)
        for sample, load, receptors in zip(samples, facts["load"], facts["receptors"], strict=True)
    ]
    table = pd.DataFrame(rows)
    table["remark"] = input_remarks.of_samples(rows, facts["receptors"])
    for row in table[table["remark"] != ""].itertuples():
        logger.warning("%s: %s", row.sample, row.remark)
    tables.write(table, smk.output.inputs)
    if path := tables.optional(smk.output, "ambient"):
        tables.write(ambient_table(samples, facts["load"]), path)


if __name__ == "__main__":
    main(snakemake)
