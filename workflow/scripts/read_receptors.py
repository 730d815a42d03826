"""Read one sample's V(D)J contigs into AIRR chains and one receptor per cell.

Reads Cell Ranger's contig annotations (versions 2 to 9) and AIRR rearrangement tables, plain or
gzipped. The chain model and the categories are scirpy's, see `immune_reset.receptor_model`.
"""

import logging

import pandas as pd

from immune_reset import contigs, igblast, receptor_model, tables
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

    Returns
    -------
    Chains (AIRR, accepted ones alone, alleles kept), receptors (see
    `immune_reset.receptor_model.judge_chains`), and facts: per receptor what was read and left
    out, by reason, and the number of cells of each `receptor_type` and `chain_pairing`.
    """
    parts = []
    facts: dict = {"sample": sample, "BCR": None, "TCR": None}
    for receptor, (table, path) in tables_in.items():
        chains, dropped = contigs.parse(table, path=path, receptor=receptor)
        if germline is not None and receptor == "BCR":
            chains = igblast.join_identity(chains, germline)
        accepted, lost = receptor_model.accept_chains(
            chains,
            min_umis=min_umis,
            productive_only=productive_only,
            high_confidence_only=high_confidence_only,
        )
        facts[receptor] = {**dropped, **lost, **count_chains(accepted)}
        logger.info("%s of %s: %s", receptor, sample, facts[receptor])
        parts.append(accepted)
    empty = contigs.parse(_no_contigs(), path="", receptor="BCR")[0]
    chains = pd.concat([p for p in parts if len(p)] or [empty], ignore_index=True)
    chains = name_chains(chains, sample=sample)[CHAIN_COLUMNS]
    receptors = receptor_model.judge_chains(receptor_model.index_chains(chains), chains)
    facts["cells"] = len(receptors)
    facts["receptor_type"] = receptors["receptor_type"].value_counts().to_dict()
    facts["chain_pairing"] = receptors["chain_pairing"].value_counts().to_dict()
    return as_text(chains), as_text(receptors), facts


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
    for receptor, name in (("BCR", "bcr"), ("TCR", "tcr")):
        if (path := tables.optional(smk.input, name)) is None:
            continue
        with contigs.readable(path):
            as_is = {"dtype": str, "keep_default_na": False, "encoding": "utf-8-sig"}
            header = pd.read_csv(path, sep="\t", nrows=0, **as_is)
            table = pd.read_csv(path, sep=contigs.separator(list(header)), **as_is)
        found[receptor] = (table, str(path))
    germline = tables.optional(smk.input, "germline")
    chains, receptors, facts = build_receptors(
        found,
        sample=smk.wildcards.sample,
        germline=tables.read(germline) if germline else None,
        min_umis=cfg["receptors.min_umis"],
        productive_only=cfg["receptors.productive_only"],
        high_confidence_only=cfg["receptors.high_confidence_only"],
    )
    tables.write(chains, smk.output.chains)
    tables.write(receptors, smk.output.receptors)
    tables.write_json(facts, smk.output.facts)


if __name__ == "__main__":
    main(snakemake)
