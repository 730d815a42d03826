"""What contigs may hold, whatever form their table has: names, sequences, cells and loci."""

import re
from functools import cache

import pandas as pd

from immune_reset.errors import at

RECEPTOR_LOCI = {"BCR": ("IGH", "IGK", "IGL"), "TCR": ("TRA", "TRB", "TRG", "TRD")}
LOCI = RECEPTOR_LOCI["BCR"] + RECEPTOR_LOCI["TCR"]
NUCLEOTIDES = "ACGTUN.-"
MOSTLY = 0.5
FEW_LETTERS = 30
IMGT_NAME = (r"Hom(?:o\s+)?sap(?:iens)?\s+", r"\s+\(?\[?(?:F|P|ORF)\]?\)?(?=,|$)", r",\s*or\s+")
"""What IMGT puts before, behind and between the names of genes."""

MAY_HOLD = {
    "cell_id": r"\w[\w.:#/+-]*",
    "sequence_id": r"\w[\w.:#/|=,+-]*",
    "v_call": r"[\w*/,.()|; -]+",
    "d_call": r"[\w*/,.()|; -]+",
    "j_call": r"[\w*/,.()|; -]+",
    "c_call": r"[\w*/,.()|; -]+",
    "junction": r"[ACGTUNRYSWKMBDHV.-]+",
    "junction_aa": r"[A-Z*_#?.-]+",
}
"""What a name or a sequence is made of; what else stands there is no receptor."""

MEND = (
    "Give Cell Ranger's filtered_contig_annotations.csv as it was written, "
    "or an AIRR rearrangement table (.tsv) of single cells"
)


def any_cell_and_locus(chains: pd.DataFrame, reasons: dict[str, pd.Series], path: str) -> None:
    """Refuse a table in which no contig has a cell, or none is of a locus that is known.

    Contigs of several loci ("Multi") or without genes are none to complain of.
    """
    if len(chains) and reasons["no_cell_id"].all():
        raise at(path, f"none of its {len(chains)} contigs has a barcode", MEND)
    named = chains["locus"].where(chains["locus"].notna(), chains["v_call"])
    strange = reasons["no_locus"] & named.notna() & (named != "MULTI")
    if len(chains) and strange.all():
        found = f"none of its {len(chains)} contigs is of a known locus, such as {named.iloc[0]!r}"
        raise at(path, found, f"The loci are {', '.join(LOCI)}")


def words(table: pd.DataFrame, column: str, pattern: str, own: str, path: str) -> None:
    """Refuse a name or sequence made of other signs than `pattern` allows."""
    fits = re.compile(pattern).fullmatch
    for row, word in enumerate(table[column], start=1):
        if word is not None and not fits(word):
            raise at(path, f"contig {row}, column '{own}' holds {word[:60]!r}", MEND)


def sequences(table: pd.DataFrame, own: dict[str, str], path: str) -> None:
    """Refuse amino acids in the place of nucleotides, or the other way round."""
    letters = {
        name: "".join(table[name].dropna().astype(str)) for name in ("junction", "junction_aa")
    }
    dna = {
        name: sum(word.count(letter) for letter in NUCLEOTIDES) / max(len(word), 1)
        for name, word in letters.items()
    }
    as_long = len(letters["junction_aa"]) > max(len(letters["junction"]) / 2, FEW_LETTERS)
    faults = {
        "junction": letters["junction"] and dna["junction"] < MOSTLY,
        "junction_aa": as_long and dna["junction_aa"] == 1,
    }
    for column, fault in faults.items():
        if fault:
            kind = "no nucleotides" if column == "junction" else "nucleotides alone"
            name, value = own.get(column, column), table[column].dropna().iloc[0][:60]
            raise at(path, f"column '{name}' holds {kind}, such as {value!r}", MEND)


def plain_genes(names: list[str | None]) -> list[str | None]:
    """Return names of genes without IMGT's words: IGHV1-2*01 of "Homsap IGHV1-2*01 F"."""
    return [name if name is None or "hom" not in name.lower() else _plain(name) for name in names]


@cache
def _plain(name: str) -> str:
    before, behind, between = IMGT_NAME
    plain = re.sub(before, "", name, flags=re.IGNORECASE)
    return re.sub(behind, "", re.sub(between, ",", plain))
