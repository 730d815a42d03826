"""Assembled receptor contigs of one library, in Cell Ranger's own table."""

import numpy as np
import pandas as pd

from immune_reset.simulation.library import Cells, draw_barcodes
from immune_reset.simulation.receptors import rearrange, translate
from immune_reset.simulation.segments import CONTIG_LENGTH
from immune_reset.simulation.types import index

COLUMNS = [
    "barcode", "is_cell", "contig_id", "high_confidence", "length", "chain", "v_gene", "d_gene",
    "j_gene", "c_gene", "full_length", "productive", "cdr3", "cdr3_nt", "reads", "umis",
    "raw_clonotype_id", "raw_consensus_id", "exact_subclonotype_id",
]  # fmt: skip
DETECTED = {"IGH": 0.80, "IGK": 0.85, "IGL": 0.85, "TRA": 0.75, "TRB": 0.85}
"""Chance that a chain of a good cell is assembled."""
UMIS = {"IGH": 9.0, "IGK": 16.0, "IGL": 14.0, "TRA": 4.5, "TRB": 9.0}
"""Mean UMIs of an assembled chain; plasmablasts have thirty times as many."""
NONPRODUCTIVE, CONTAMINATED, NOT_IN_MATRIX, NOT_A_CELL = 0.05, 0.015, 0.04, 0.03
"""Extra contigs, as shares of the cells with a receptor."""


def draw_classes(
    rng: np.random.Generator, kinds: np.ndarray, receptors: pd.DataFrame
) -> np.ndarray:
    """Return the heavy chain's class (IGHM ...) of each receptor; "" for T cells.

    Naive cells are IgM, some read as IgD; memory B cells IgM; switched, plasmablasts (9 of 10)
    and half of the atypical cells have their clone's class.
    """
    switch = np.zeros(len(kinds))
    for name, share in (("swB", 1.0), ("PB", 0.9), ("aB", 0.5)):
        switch[kinds == index(name)] = share
    naive = np.isin(kinds, [index("nB"), index("trB")])
    unswitched = np.where(naive & (rng.random(len(kinds)) < 0.2), "IGHD", "IGHM")
    drawn = np.where(rng.random(len(kinds)) < switch, receptors["isotype"], unswitched)
    return np.where(receptors["vdj_locus"] == "IGH", drawn, "").astype(str)


def draw_contigs(
    rng: np.random.Generator, cells: Cells, receptors: pd.DataFrame, c_call: np.ndarray
) -> pd.DataFrame:
    """Return the contigs of a library's cells, background and debris included.

    `receptors` is indexed by cell of `cells`. Columns are those of Cell Ranger's
    `filtered_contig_annotations.csv`, all chains together, plus `clone` (the true clone, "" for
    background) and `origin` (cell, background, other).
    """
    at = receptors.index.to_numpy()
    droplet = cells.droplet[at]
    poor = np.where(cells.low_quality[droplet], 0.4, 1.0)
    rich = np.where(cells.kind[at] == index("PB"), 30.0, 1.0)
    chains = []
    for side in ("vdj", "vj", "vj2"):
        frame = receptors[[f"{side}_{f}" for f in ("locus", "v", "d", "j", "nt")]].copy()
        frame.columns = ["chain", "v_gene", "d_gene", "j_gene", "cdr3_nt"]
        frame["c_gene"] = c_call if side == "vdj" else ""
        chance = frame["chain"].map(DETECTED).fillna(0).to_numpy() * poor
        frame["seen"] = rng.random(len(frame)) < chance
        mean = frame["chain"].map(UMIS).fillna(1).to_numpy() * rich * poor
        frame["umis"] = 1 + rng.poisson(rng.gamma(1.6, (mean - 0.6).clip(0.2) / 1.6))
        frame["barcode"] = cells.barcodes[droplet]
        frame["clone"] = receptors["clone_id"].to_numpy()
        chains.append(frame[frame["seen"]].drop(columns="seen"))
    table = pd.concat(chains, ignore_index=True)
    table = table.assign(is_cell=True, productive=True, high_confidence=True, origin="cell")
    table = pd.concat([table, *_background(rng, cells, table)], ignore_index=True)
    return _finish(rng, table)


def _background(rng: np.random.Generator, cells: Cells, table: pd.DataFrame) -> list[pd.DataFrame]:
    """Return non-productive contigs, contigs of foreign cells, and of barcodes that are no cell."""
    extra = []
    n = len(table)
    if not n:
        return extra
    own = table.iloc[rng.choice(n, rng.binomial(n, NONPRODUCTIVE / 2), replace=False)].copy()
    for chain, rows in own.groupby("chain", sort=True):
        drawn = rearrange(rng, chain, len(rows))
        own.loc[rows.index, ["v_gene", "j_gene"]] = drawn[["v", "j"]].to_numpy()
        own.loc[rows.index, "cdr3_nt"] = [nt[:-4] + nt[-3:] for nt in drawn["nt"]]
    extra.append(own.assign(productive=False, d_gene="", umis=(own["umis"] // 3).clip(1)))
    strays = table.iloc[rng.integers(0, n, rng.binomial(cells.n, CONTAMINATED))].copy()
    strays["barcode"] = rng.choice(cells.barcodes, len(strays))
    umis = 1 + (rng.random(len(strays)) < 0.15)
    extra.append(strays.assign(umis=umis, clone="", origin="background"))
    for share, is_cell in ((NOT_IN_MATRIX, True), (NOT_A_CELL, False)):
        count = rng.binomial(cells.n, share)
        others = table.iloc[rng.integers(0, n, count)].copy()
        barcodes = draw_barcodes(rng, count + 1)[:count]
        others["barcode"] = np.where(np.isin(barcodes, cells.barcodes), "A" * 16 + "-1", barcodes)
        umis = others["umis"] if is_cell else np.ones(count, dtype=int)
        extra.append(others.assign(is_cell=is_cell, umis=umis, clone="", origin="other"))
    return extra


def _finish(rng: np.random.Generator, table: pd.DataFrame) -> pd.DataFrame:
    """Add what Cell Ranger reports beside: ids, lengths, reads, amino acids, confidence."""
    low = (table["umis"] == 1) & (rng.random(len(table)) < 0.15)
    table["high_confidence"] = table["is_cell"] & ~low
    table["full_length"] = True
    constant = {"TRA": "TRAC", "TRB": "TRBC2", "IGK": "IGKC", "IGL": "IGLC2"}
    first = table["j_gene"].str.startswith("TRBJ1")
    default = table["chain"].map(constant).fillna("").mask(first, "TRBC1")
    table["c_gene"] = default.mask(table["chain"] == "IGH", table["c_gene"])
    table["length"] = table["chain"].map(CONTIG_LENGTH) + rng.integers(-40, 90, len(table))
    table["reads"] = table["umis"] * rng.integers(60, 500, len(table))
    frame_ok = table["cdr3_nt"].str.len() % 3 == 0
    table["cdr3"] = [translate(nt) for nt in table["cdr3_nt"]]
    table["cdr3"] = table["cdr3"].where(frame_ok, "")
    keys = ["barcode", "umis", "chain", "cdr3_nt"]
    table = table.sort_values(keys, ascending=[True, False, True, True], kind="stable")
    return table.reset_index(drop=True)


def contig_table(table: pd.DataFrame, receptor: str) -> pd.DataFrame:
    """Return one receptor type's contigs (BCR or TCR) as Cell Ranger prints them (`COLUMNS`)."""
    table = table[table["chain"].str.startswith("IG" if receptor == "BCR" else "TR")].copy()
    order = table.groupby("barcode", sort=False).cumcount() + 1
    table["contig_id"] = table["barcode"] + "_contig_" + order.astype(str)
    clones = pd.factorize(table["clone"])[0] + 1
    known = (table["clone"] != "") & table["productive"]
    table["raw_clonotype_id"] = np.where(known, [f"clonotype{i}" for i in clones], "")
    number = np.where(table["chain"].isin(["IGH", "TRB"]), "_consensus_2", "_consensus_1")
    table["raw_consensus_id"] = np.where(known, table["raw_clonotype_id"] + number, "")
    table["exact_subclonotype_id"] = np.where(known, "1", "")
    for column in ("is_cell", "high_confidence", "full_length", "productive"):
        table[column] = np.where(table[column], "true", "false")
    return table[COLUMNS]
