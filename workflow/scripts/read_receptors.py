"""Read one sample's V(D)J contigs into AIRR chains and one receptor per cell.

Reads Cell Ranger's contig annotations (versions 2 to 9), AIRR rearrangement tables and BD
Rhapsody's contigs, plain or gzipped. Barcodes that the matrix writes otherwise are read by one
rule as it does (`immune_reset.barcodes`); of a multiplexed library only the donor's cells are
kept. The chain model and the categories are scirpy's, see `immune_reset.receptor_model`.
"""

import logging

import pandas as pd

from immune_reset import (
    barcodes,
    contigs,
    counts,
    donors,
    igblast,
    receptor_model,
    tables,
    text_files,
)
from immune_reset.runtime import start

logger = logging.getLogger("read_receptors")

MIN_CELLS = 10
"""Cells with contigs of which some must be in the matrix."""

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
    cells
        Barcodes of the sample's matrix, if it has one.
    donor
        Barcodes of the sample's donor in a multiplexed library; None keeps all.

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
        chains, said = prepared(chains, path=path, germline=own, cells=cells, donor=donor)
        accepted, lost = receptor_model.accept_chains(
            chains,
            min_umis=min_umis,
            productive_only=productive_only,
            high_confidence_only=high_confidence_only,
        )
        facts[receptor] = {**dropped, **lost, **count_chains(accepted), **said}
        logger.info("%s of %s: %s", receptor, sample, facts[receptor])
        parts.append(accepted)
    empty = contigs.parse(_no_contigs(), path="", receptor="BCR")[0]
    chains = pd.concat([p for p in parts if len(p)] or [empty], ignore_index=True)
    chains = name_chains(chains, sample=sample)[CHAIN_COLUMNS]
    receptors = receptor_model.judge_chains(receptor_model.index_chains(chains), chains)
    return as_text(chains), as_text(receptors), {**facts, **count_receptors(receptors)}


def prepared(
    chains: pd.DataFrame,
    *,
    path: str,
    germline: pd.DataFrame | None,
    cells: set[str] | None,
    donor: set[str] | None,
) -> tuple[pd.DataFrame, dict]:
    """Return the chains of the sample's own cells, named as in its matrix, and what was done."""
    if germline is not None:
        chains = igblast.join_identity(chains, germline)
    chains, said = matched(chains, cells, path=path)
    chains, others = of_donor(chains, donor, path=path)
    return chains, {**others, **said}


def matched(
    chains: pd.DataFrame, cells: set[str] | None, *, path: str
) -> tuple[pd.DataFrame, dict]:
    """Return `chains` with barcodes written as the matrix does, and the rule and what it matched.

    Raises
    ------
    InputError
        If many barcodes hardly match, and no one rule explains it. Few that match none stay as
        they are: their cells may all have been lost.
    """
    names = set(chains["cell_id"].dropna())
    if cells is None or not names:
        return chains, {}
    rule = barcodes.Rule()
    if len(names) >= MIN_CELLS:
        rule = barcodes.match_rule(names, cells, place=path, other="the count matrix")
    renamed = chains.assign(cell_id=chains["cell_id"].map(rule, na_action="ignore"))
    inside = len(set(renamed["cell_id"].dropna()) & cells)
    return renamed, {"barcodes": str(rule), "cells_in_matrix": inside}


def of_donor(
    chains: pd.DataFrame, donor: set[str] | None, *, path: str
) -> tuple[pd.DataFrame, dict]:
    """Return the chains of the donor's barcodes, and how many were others'."""
    if donor is None:
        return chains, {}
    names = set(chains["cell_id"].dropna())
    rule = barcodes.match_rule(donor, names, place=path, other="the table of donors")
    own = chains["cell_id"].isin({rule(name) for name in donor})
    return chains[own].reset_index(drop=True), {"other_donor": int((~own).sum())}


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


def _no_contigs() -> pd.DataFrame:
    return pd.DataFrame(columns=list(contigs.CELL_RANGER), dtype=str)


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
