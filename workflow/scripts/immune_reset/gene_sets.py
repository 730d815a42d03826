"""Gene sets: the shipped table, the user's GMT files, and what of them a matrix measures.

A table of gene sets has one row per gene of a set: `gene_set`, `symbol` (current HGNC),
`former_symbol` (under which older references carry the gene), `weight`, `source`, `licence`,
`date`, `collection`.
"""

import itertools
import logging
from collections.abc import Iterable, Mapping
from pathlib import Path

import numpy as np
import pandas as pd

from immune_reset.errors import InputError
from immune_reset.genes import current_symbols

logger = logging.getLogger(__name__)

COLUMNS = (
    "gene_set", "symbol", "former_symbol", "weight", "source", "licence", "date", "collection",
)  # fmt: skip

SCORED = ("interferon", "jak_stat", "baff", "user")
"""Collections whose sets are scored per cell type; the others serve the enrichment only."""

BEYOND = "JAK_STAT_BEYOND_INTERFERON"
"""The set that tells a change of JAK-STAT from one of interferon."""

TYPE_I = ("ISG28", "HALLMARK_INTERFERON_ALPHA_RESPONSE", "HALLMARK_INTERFERON_GAMMA_RESPONSE")
"""The sets whose genes are left out of `BEYOND`."""


def parse_table(table: pd.DataFrame, place: str) -> pd.DataFrame:
    """Return a table of gene sets, checked, with the columns of `COLUMNS`.

    Raises
    ------
    InputError
        On a missing column, an empty name, a weight that is no number, or a gene twice in a set.
    """
    missing = [name for name in COLUMNS if name not in table.columns]
    if missing:
        raise InputError(f"{place}: lacks the columns {missing}. Restore the shipped table.")
    frame = table.loc[:, list(COLUMNS)].copy()
    text = [name for name in COLUMNS if name != "weight"]
    frame[text] = frame[text].fillna("").astype(str)
    frame["weight"] = pd.to_numeric(frame["weight"], errors="coerce")
    bad = (frame["gene_set"] == "") | (frame["symbol"] == "") | ~np.isfinite(frame["weight"])
    bad |= frame.duplicated(["gene_set", "symbol"])
    if bad.any():
        line = int(np.flatnonzero(bad)[0]) + 2
        raise InputError(
            f"{place}, line {line}: a set or gene without a name, a gene twice in one set, or a "
            "weight that is not a number. Mend the line."
        )
    return frame.reset_index(drop=True)


def of_part(part: str, given: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """Return the sets of one part: "shipped", of the shipped tables, or "own", the user's.

    `given` has by their paths the shipped tables, or the table in which the user's sets stand
    behind them (cohort/gene_sets.parquet). The parts are apart so that a set that is added or
    edited makes itself alone anew. Columns as `COLUMNS`.
    """
    if part == "own":
        sets = pd.concat(given.values())
        return sets[sets["collection"] == "user"].reset_index(drop=True)
    parsed = [parse_table(table, Path(path).name) for path, table in given.items()]
    return pd.concat(parsed, ignore_index=True)


def parse_gmt(text: str, place: str, *, known: Iterable[str] = ()) -> pd.DataFrame:
    """Return the sets of a GMT file (name, description, genes, tab-separated) as a table.

    Symbols are brought up to date (`genes.ALIASES`), the file's own kept as `former_symbol`. A
    gene named twice in a set counts once.

    Raises
    ------
    InputError
        Naming the file and the line: no tabs, no name, no genes, a name used before or in `known`.
    """
    taken = set(known)
    parts = []
    for number, line in enumerate(text.lstrip("\ufeff").splitlines(), start=1):
        if not line.strip():
            continue
        name, genes = _split_line(line, f"{place}, line {number}")
        if name in taken:
            raise InputError(
                f"{place}, line {number}: the gene set {name} exists already. Give it another "
                "name, or leave it out."
            )
        taken.add(name)
        parts.append(_user_set(name, genes, place))
    if not parts:
        raise InputError(f"{place}: no gene set found. Give one set a line: name, note, genes.")
    return pd.concat(parts, ignore_index=True)


def _split_line(line: str, place: str) -> tuple[str, list[str]]:
    fields = [field.strip() for field in line.split("\t")]
    genes = list(dict.fromkeys(field for field in fields[2:] if field))
    if not fields[0] or not genes:
        raise InputError(
            f"{place}: not a gene set. A line of a GMT file is a name, a note and the genes' "
            "symbols, separated by tabs."
        )
    return fields[0], genes


def _user_set(name: str, genes: list[str], place: str) -> pd.DataFrame:
    frame = pd.DataFrame({"gene_set": name, "symbol": current_symbols(genes)})
    frame["former_symbol"] = [
        old if old != new else "" for old, new in zip(genes, frame["symbol"], strict=True)
    ]
    frame = frame.assign(weight=1.0, source=place, licence="", date="", collection="user")
    return frame.drop_duplicates("symbol")


def match(sets: pd.DataFrame, genes: pd.DataFrame) -> pd.DataFrame:
    """Return the genes of the sets that are measured: gene_set, symbol, weight, gene_id.

    `genes` has gene_id and symbol. A gene is found under its current symbol, else under its former
    one; where several ids carry the symbol, all are returned.
    """
    here = genes[["gene_id", "symbol"]].drop_duplicates()
    present = set(here["symbol"])
    found = np.where(sets["symbol"].isin(present), sets["symbol"], sets["former_symbol"])
    wanted = sets[["gene_set", "symbol", "weight"]].assign(found=found)
    wanted = wanted.loc[wanted["found"] != ""]
    matched = wanted.merge(here.rename(columns={"symbol": "found"}), on="found", how="inner")
    matched = matched.drop(columns="found").drop_duplicates(["gene_set", "gene_id"])
    return matched.reset_index(drop=True)


def coverage(sets: pd.DataFrame, matched: pd.DataFrame) -> pd.DataFrame:
    """Return per set: gene_set, n_genes_set, n_genes_measured, genes (symbols, by ";")."""
    size = sets.groupby("gene_set", sort=False)["symbol"].nunique()
    inside = matched.drop_duplicates(["gene_set", "symbol"]).groupby("gene_set")["symbol"]
    return pd.DataFrame(
        {
            "gene_set": size.index.astype(str),
            "n_genes_set": size.to_numpy(),
            "n_genes_measured": inside.size().reindex(size.index, fill_value=0).to_numpy(),
            "genes": inside.agg(";".join).reindex(size.index).fillna("").to_numpy(),
        }
    )


def overlap(sets: pd.DataFrame) -> pd.DataFrame:
    """Return per pair of sets: set_a, set_b, n_a, n_b, n_shared, jaccard, in the table's order."""
    members = {name: set(part["symbol"]) for name, part in sets.groupby("gene_set", sort=False)}
    rows = []
    for a, b in itertools.combinations(members, 2):
        shared = len(members[a] & members[b])
        union = len(members[a] | members[b])
        rows.append((a, b, len(members[a]), len(members[b]), shared, shared / union))
    return pd.DataFrame(rows, columns=["set_a", "set_b", "n_a", "n_b", "n_shared", "jaccard"])
