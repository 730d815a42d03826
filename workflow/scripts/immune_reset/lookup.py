"""The user's own table of public or known autoreactive receptors, matched against all clones.

A match is exact: the whole junction, with the V gene and the locus where the table gives them. It
says that the receptor is the same, not what the cell binds.
"""

import re
from pathlib import Path

import pandas as pd

from immune_reset import text_files
from immune_reset.errors import at
from immune_reset.receptor_model import strip_gene

COLUMNS = ("junction_aa", "junction", "v_call", "locus", "label")
LOCI = ("IGH", "IGK", "IGL", "TRA", "TRB", "TRD", "TRG")
LETTERS = {"junction_aa": "ACDEFGHIKLMNPQRSTVWY*_", "junction": "ACGTN"}
MATCHED = COLUMNS[:4]  # what has to agree, where it is given
MATCHES = [
    "patient", "receptor", "clone_id", "locus", "v_call", "junction_aa", "label",
    "matched_on", "line", "n_cells", "timepoints",
]  # fmt: skip
TYPES = {**dict.fromkeys(MATCHES, "string"), "line": "int64", "n_cells": "int64"}


def read(path: str | Path) -> pd.DataFrame:
    """Return the user's table as text, one row per line after the header, empty lines included.

    Raises
    ------
    InputError
        If the file is empty, or no table in UTF-8.
    """
    lines = text_files.lines(path)
    if not lines:
        raise at(path, "the file is empty", "Add rows, or leave clones.lookup out")
    header, *rows = [line.split("\t") for line in lines]
    filled = [[*row, *[""] * len(header)][: len(header)] for row in rows]
    return pd.DataFrame(filled, columns=header, dtype=str)


def parse(table: pd.DataFrame, *, place: str) -> pd.DataFrame:
    """Return the receptors of the user's table: `COLUMNS` and `line`, "" where nothing is given.

    Genes without allele; junctions in capitals. Parameters: `table` as text, one row per line of
    the file after the header (empty lines included); `place` its path.

    Raises
    ------
    InputError
        Names the file and the line: no junction column, a row without a junction, a junction with
        letters that are none, an unknown locus, or a gene of another locus.
    """
    table = table.rename(columns=lambda name: str(name).strip())
    if not {"junction_aa", "junction"} & set(table.columns):
        found = f"the header has neither junction_aa nor junction, but {', '.join(table.columns)}"
        raise at(f"{place}, line 1", found, "Name the column of the junctions so, as AIRR does")
    rows = table.reindex(columns=list(COLUMNS)).fillna("").astype(str)
    rows = rows.apply(lambda column: column.str.strip())
    rows["line"] = range(2, len(rows) + 2)
    rows = rows[(rows[list(COLUMNS)] != "").any(axis=1)].reset_index(drop=True)
    for name in ("junction_aa", "junction", "locus"):
        rows[name] = rows[name].str.upper()
    for row in rows.to_dict("records"):
        _check(row, f"{place}, line {row['line']}")
    rows["v_call"] = strip_gene(rows["v_call"])
    if rows.empty:
        raise at(place, "there is no receptor in it", "Add rows, or leave clones.lookup out")
    return rows


def _check(row: dict, place: str) -> None:
    if not row["junction_aa"] and not row["junction"]:
        raise at(place, "neither junction_aa nor junction is given", "Fill one, or drop the line")
    for name, letters in LETTERS.items():
        if odd := set(row[name]) - set(letters):
            what = "amino acids" if name == "junction_aa" else "nucleotides"
            found = f"{name} {row[name]!r} holds {min(odd)!r}"
            raise at(place, found, f"Give the junction in {what}, in one-letter code")
    if row["locus"] and row["locus"] not in LOCI:
        raise at(place, f"the locus {row['locus']!r} is unknown", f"Use {', '.join(LOCI)}")
    gene = re.match(r"(?:IG|TR)[A-Z]", row["v_call"].upper())
    if row["v_call"] and not gene:
        raise at(
            place, f"v_call {row['v_call']!r} is no V gene", "Give it as in TRBV6-5 or IGHV4-34"
        )
    if row["locus"] and gene and gene.group() != row["locus"]:
        found = f"v_call {row['v_call']} is not of the locus {row['locus']}"
        raise at(place, found, "Correct one of the two")


def without_anchors(receptors: pd.DataFrame) -> int:
    """Return how many junctions lack the anchors (C at the start; F or W at the end).

    AIRR's junction holds them, many tables' CDR3 does not; such a row can never match.
    """
    given = receptors.loc[receptors["junction_aa"] != "", "junction_aa"]
    return int((~(given.str.startswith("C") & given.str.contains("[FW]$"))).sum())


def chains_of(clonotypes: pd.DataFrame) -> pd.DataFrame:
    """Return both chains of the cells, one row each, with patient, clone and timepoint."""
    cell = ["cell_id", "clone_id", "timepoint", "receptor"]
    fields = ["locus", "v_call", "junction", "junction_aa"]
    vj = clonotypes[[*cell, *(f"vj_{name}" for name in fields)]]
    vj = vj.rename(columns=lambda name: name.removeprefix("vj_"))
    both = pd.concat([clonotypes[[*cell, *fields]].astype(object), vj.astype(object)])
    both["patient"] = both["clone_id"].str.rsplit(":", n=2).str[0]
    return both.dropna(subset=["locus"]).reset_index(drop=True)


def match(clonotypes: pd.DataFrame, receptors: pd.DataFrame) -> pd.DataFrame:
    """Return the clones with a chain that the table lists, one row per clone, chain and line.

    Where a line gives both junctions, both must agree. Columns `MATCHES`: matched_on (what had to
    agree), line (of the user's table), n_cells (the clone's cells with that chain) and timepoints
    ("baseline:3;month_1:1": cells).
    """
    from immune_reset.ledger import tally  # slow to import, and every plan imports this module

    chains, found = chains_of(clonotypes), []
    given = receptors[list(MATCHED)] != ""
    on = [", ".join(name for name in MATCHED if row[name]) for row in given.to_dict("records")]
    receptors = receptors.assign(matched_on=on)
    by_amino_acids = receptors["junction_aa"] != ""
    for key, listed in (
        ("junction_aa", receptors[by_amino_acids]),
        ("junction", receptors[~by_amino_acids]),
    ):
        pairs = chains.merge(listed.astype(object), on=key, suffixes=("", "_listed"))
        for name in MATCHED:
            if name != key:
                wanted = pairs[f"{name}_listed"]
                pairs = pairs[(wanted == "") | (wanted == pairs[name])]
        found.append(pairs)
    keys = [name for name in MATCHES if name not in ("n_cells", "timepoints")]
    pairs = pd.concat(found)
    words = [name for name in keys if name != "line"]
    pairs = pairs.assign(**{name: pairs[name].where(pairs[name].notna(), "") for name in words})
    groups = pairs.groupby(keys, sort=True)
    rows = groups.size().rename("n_cells").reset_index()
    times = [tally(part.assign(clone_id="x"), "timepoint")["x"] for _, part in groups]
    return rows.assign(timepoints=times)[MATCHES].astype(TYPES)
