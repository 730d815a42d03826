"""Read one sample's V(D)J contigs into AIRR chains and one receptor per cell.

Reads Cell Ranger's contig annotations (versions 2 to 9), AIRR rearrangement tables and BD
Rhapsody's contigs, plain or gzipped. Barcodes that the matrix writes otherwise are read by one
rule as it does (`immune_reset.barcodes`); of a multiplexed library only the donor's cells are
kept. The chain model and the categories are scirpy's, see `immune_reset.receptor_model`.
"""

import logging

import pandas as pd

from immune_reset import (
    contigs,
    counts,
    donors,
    own_cells,
    receptor_model,
    tables,
    text_files,
)
from immune_reset.runtime import start

logger = logging.getLogger("read_receptors")

CHAIN_COLUMNS = [
    "cell_id", "sequence_id", "locus", "v_call", "d_call", "j_call", "c_call", "junction",
    "junction_aa", "productive", "consensus_count", "umi_count", "v_identity",
]  # fmt: skip


def name_chains(chains: pd.DataFrame, *, sample: str) -> pd.DataFrame:
    """Return `chains` with `cell_id` and `sequence_id` made unique over the cohort.

    `{sample}:{barcode}` and `{sample}:{contig}`. Cell Ranger numbers the contigs of a barcode anew
    in each library, so a BCR and a TCR contig can have one name: both then end in `_{locus}`.
    """
    twice = chains.duplicated("sequence_id", keep=False)
    name = chains["sequence_id"].where(~twice, chains["sequence_id"] + "_" + chains["locus"])
    return chains.assign(
        cell_id=f"{sample}:" + chains["cell_id"].astype(str),
        sequence_id=f"{sample}:" + name.astype(str),
    )


def build_receptors(
    tables_in: dict[str, tuple[pd.DataFrame, str]],
    *,
    sample: str,
    min_umis: int,
    productive_only: bool,
    high_confidence_only: bool,
    germline: pd.DataFrame | None = None,
    cells: set[str] | None = None,
    donor: set[str] | None = None,
) -> tuple[pd.DataFrame, pd.DataFrame, dict]:
    """Return accepted chains, one receptor per cell, and the facts of one sample.

    Parameters
    ----------
    tables_in
        `{"BCR": (contig table as text, its file), "TCR": ...}`; a receptor that was not sequenced
        is absent.
    min_umis, productive_only, high_confidence_only
        What a chain needs to be accepted.
    germline
        IgBLAST's V identity of BCR contigs, where it was run; it replaces the table's own.
    cells, donor
        Barcodes of the sample's matrix, and of its donor in a multiplexed library; None: any.

    Returns
    -------
    Chains (AIRR, accepted ones alone, alleles kept), receptors (see
    `immune_reset.receptor_model.judge_chains`), and facts: per receptor what was read and left
    out, by reason, and the number of cells of each `receptor_type` and `chain_pairing`.
    """
    parts, facts = [], {"sample": sample, "BCR": None, "TCR": None}
    for receptor, (table, path) in tables_in.items():
        chains, dropped = contigs.parse(table, path=path, receptor=receptor)
        own = germline if receptor == "BCR" else None
        chains, said = own_cells.prepared(chains, path, germline=own, cells=cells, donor=donor)
        accepted, lost = receptor_model.accept_chains(
            chains,
            min_umis=min_umis,
            productive_only=productive_only,
            high_confidence_only=high_confidence_only,
        )
        facts[receptor] = {**dropped, **lost, **count_chains(accepted), **said}
        logger.info("%s of %s: %s", receptor, sample, facts[receptor])
        parts.append(accepted)
    chains = pd.concat([p for p in parts if len(p)] or [_no_chains()], ignore_index=True)
    chains = name_chains(chains, sample=sample)[CHAIN_COLUMNS]
    receptors = receptor_model.judge_chains(receptor_model.index_chains(chains), chains)
    return as_text(chains), as_text(receptors), {**facts, **count_receptors(receptors)}


def count_receptors(receptors: pd.DataFrame) -> dict:
    """Return the number of cells, and of each `receptor_type` and `chain_pairing`."""
    kinds = ("receptor_type", "chain_pairing")
    counted = {kind: receptors[kind].value_counts().to_dict() for kind in kinds}
    return {"cells": len(receptors), **counted}


def count_chains(chains: pd.DataFrame) -> dict:
    """Return the accepted chains, their cells, and whether they tell of hypermutation."""
    return {
        "accepted": len(chains),
        "cells": int(chains["cell_id"].nunique()),
        "v_identity": bool(chains["v_identity"].notna().any()),
    }


def as_text(frame: pd.DataFrame) -> pd.DataFrame:
    """Return `frame` with its text columns typed as strings, so that an empty table has them."""
    words = {c: "string" for c in frame if frame[c].dtype == object and c != "productive"}
    return frame.astype(words)


def _no_chains() -> pd.DataFrame:
    none = pd.DataFrame(columns=list(contigs.CELL_RANGER), dtype=str)
    return contigs.parse(none, path="", receptor="BCR")[0]


def main(smk) -> None:
    """Snakemake entry point: read, compute, write."""
    start(smk)
    cfg, found = smk.params.cfg, {}
    for receptor in ("BCR", "TCR"):
        path = tables.optional(smk.input, receptor.lower())
        if path is not None:
            text_files.check_whole(path)
            found[receptor] = (text_files.table(path), str(path))
    matrix, table = tables.optional(smk.input, "counts"), tables.optional(smk.input, "donors")
    cells = None if matrix is None else set(counts.read_cells(matrix)["barcode"])
    if table is not None:
        who, listed = str(smk.params.row["donor"]), text_files.table(table)
        table = donors.cells_of(listed, who, place=str(table))
    germline = tables.optional(smk.input, "germline")
    chains, receptors, facts = build_receptors(
        found,
        sample=smk.wildcards.sample,
        germline=tables.read(germline) if germline else None,
        min_umis=cfg["receptors.min_umis"],
        productive_only=cfg["receptors.productive_only"],
        high_confidence_only=cfg["receptors.high_confidence_only"],
        cells=cells,
        donor=table,
    )
    tables.write(chains, smk.output.chains)
    tables.write(receptors, smk.output.receptors)
    tables.write_json(facts, smk.output.facts)


if __name__ == "__main__":
    main(snakemake)
