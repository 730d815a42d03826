"""Contig tables of V(D)J libraries, read into AIRR chains.

Three forms are read: the contig annotations that Cell Ranger writes (versions 2 to 9, filtered or
all), AIRR rearrangement tables (Cell Ranger's own and other tools'), and BD Rhapsody's tables of
contigs. All come in as text, every column a string, and go out as AIRR chains. `None`, `nan` and
their like are missing values, as they are in the tables of several Cell Ranger versions.
"""

import numpy as np
import pandas as pd

from immune_reset import contig_checks, mutation
from immune_reset.contig_checks import LOCI, MEND, RECEPTOR_LOCI
from immune_reset.errors import InputError, at

MISSING = frozenset({"", "none", "nan", "na", "n/a", "null", "<na>"})
TRUE = frozenset({"true", "t", "1", "1.0", "yes"})
FALSE = frozenset({"false", "f", "0", "0.0", "no"})

CELL_RANGER = {
    "barcode": "cell_id",
    "contig_id": "sequence_id",
    "chain": "locus",
    "v_gene": "v_call",
    "d_gene": "d_call",
    "j_gene": "j_call",
    "c_gene": "c_call",
    "cdr3_nt": "junction",
    "cdr3": "junction_aa",
    "productive": "productive",
    "reads": "consensus_count",
    "umis": "umi_count",
}
CELL_RANGER_OPTIONAL = ("d_gene", "reads")
BD_RHAPSODY = {
    "Cell_Index": "cell_id",
    "Contig_ID": "sequence_id",
    "Chain_Type": "locus",
    "V_gene": "v_call",
    "D_gene": "d_call",
    "J_gene": "j_call",
    "C_gene": "c_call",
    "CDR3_Nucleotide": "junction",
    "CDR3_Translation": "junction_aa",
    "Productive": "productive",
    "Read_Count": "consensus_count",
    "Molecule_Count": "umi_count",
}
BD_OPTIONAL = ("Contig_ID", "D_gene", "C_gene", "Read_Count")
BD_LOCI = {
    "TCR_ALPHA": "TRA", "TCR_BETA": "TRB", "TCR_GAMMA": "TRG", "TCR_DELTA": "TRD",
    "BCR_HEAVY": "IGH", "BCR_KAPPA": "IGK", "BCR_LAMBDA": "IGL",
}  # fmt: skip
IS_CELL = ("is_cell", "Putative_Cell", "Putative")
AIRR_REQUIRED = (
    "cell_id", "sequence_id", "v_call", "j_call", "junction", "junction_aa", "productive",
)  # fmt: skip
TEXT_COLUMNS = (
    "cell_id", "sequence_id", "locus", "v_call", "d_call", "j_call", "c_call", "junction",
    "junction_aa",
)  # fmt: skip
COUNT_COLUMNS = ("consensus_count", "umi_count")
MAX_COUNT = 2**31
OTHER_COLUMN = "Put the file into the sample sheet's column for its receptor (bcr or tcr)"


class OtherReceptor(InputError):
    """A contig table of the other receptor."""


def parse(table: pd.DataFrame, *, path: str, receptor: str) -> tuple[pd.DataFrame, dict[str, int]]:
    """Return the AIRR chains of one contig table and the numbers of contigs that were left out.

    Parameters
    ----------
    table
        The file as text: one row per contig, all columns strings, "" for missing.
    path
        The file's name, for messages.
    receptor
        "BCR" or "TCR": the chains that the file is for. Chains of the other receptor (a file of
        both given twice) are left out and counted.

    Returns
    -------
    Chains with `cell_id` (the barcode), `sequence_id`, `locus`, `v_call`, `d_call`, `j_call`,
    `c_call`, `junction`, `junction_aa` (strings, missing as None), `productive` and
    `high_confidence` (bool; true where the file does not say), `consensus_count`, `umi_count`
    (Int64, missing where the file has none), `v_identity` (share of 1: as given, else counted from
    the alignment columns, see `immune_reset.mutation`; NaN where there is neither); and
    `{"contigs", "not_a_cell", "no_cell_id", "no_locus", "other_receptor"}`, exclusive, in order.

    Raises
    ------
    InputError
        Where a column is missing, a flag or a count cannot be read, contigs have the same name,
        none has a cell or a known locus, or every chain is of the other receptor.
    """
    table = table.rename(columns=lambda name: str(name).strip())
    chains, _ = _chains(table, path)
    chains["v_identity"] = chains["v_identity"].fillna(mutation.v_identity(table))
    chains["high_confidence"] = _flags(table, "high_confidence", path)
    is_cell = next((name for name in IS_CELL if name in table), "is_cell")
    dropped = {"contigs": len(chains)}
    reasons = {
        "not_a_cell": ~_flags(table, is_cell, path),
        "no_cell_id": chains["cell_id"].isna(),
        "no_locus": ~chains["locus"].isin(LOCI),
        "other_receptor": ~chains["locus"].isin(RECEPTOR_LOCI[receptor]),
    }
    keep = np.ones(len(chains), dtype=bool)
    for reason, lost in reasons.items():
        dropped[reason] = int((keep & lost.to_numpy()).sum())
        keep &= ~lost.to_numpy()
    contig_checks.any_cell_and_locus(chains, reasons, path)
    if not keep.any() and dropped["other_receptor"]:
        other = {"BCR": "TCR", "TCR": "BCR"}[receptor]
        found = f"given as {receptor}, but all its chains are {other} chains"
        raise OtherReceptor(str(at(path, found, OTHER_COLUMN)))
    return _distinct(chains[keep].reset_index(drop=True), path), dropped


def _chains(table: pd.DataFrame, path: str) -> tuple[pd.DataFrame, dict[str, str]]:
    """Return the chains of a table of any form, and the file's own name of each AIRR column."""
    if "cell_id" in table or ("v_call" in table and "barcode" not in table):
        return _from_airr(table, path)
    if "Cell_Index" in table:
        return _from_bd(table, path)
    return _renamed(table, CELL_RANGER, CELL_RANGER_OPTIONAL, path)


def _renamed(
    table: pd.DataFrame, names: dict[str, str], optional: tuple[str, ...], path: str
) -> tuple[pd.DataFrame, dict[str, str]]:
    missing = [c for c in names if c not in table and c not in optional]
    if missing:
        raise _lacks(table, missing, path)
    present = {old: new for old, new in names.items() if old in table}
    own = {new: old for old, new in present.items()}
    return _typed(table[list(present)].rename(columns=present), own, path), own


def _from_bd(table: pd.DataFrame, path: str) -> tuple[pd.DataFrame, dict[str, str]]:
    """Return the chains of a BD Rhapsody table; "dominant" files name columns so at their end.

    BD's CDR3 is without its two anchors, and stands in `junction` as it is (as in scirpy).
    """
    names = {
        f"{old}_Dominant" if f"{old}_Dominant" in table else old: new
        for old, new in BD_RHAPSODY.items()
    }
    chains, own = _renamed(table, names, BD_OPTIONAL, path)
    chains["locus"] = chains["locus"].map(lambda name: BD_LOCI.get(name, name)).astype(object)
    if "Contig_ID" not in table:
        number = table.groupby("Cell_Index").cumcount() + 1
        chains["sequence_id"] = table["Cell_Index"] + "_contig_" + number.astype(str)
    return chains, own


def _from_airr(table: pd.DataFrame, path: str) -> tuple[pd.DataFrame, dict[str, str]]:
    missing = [column for column in AIRR_REQUIRED if column not in table]
    if missing:
        raise _lacks(table, missing, path)
    names = [*TEXT_COLUMNS, *COUNT_COLUMNS, "productive", "v_identity"]
    chains = table[[column for column in names if column in table]].copy()
    own = {}
    if "umi_count" not in chains and "duplicate_count" in table:
        chains["umi_count"] = table["duplicate_count"]
        own["umi_count"] = "duplicate_count"
    chains = _typed(chains, own, path)
    if "locus" not in table:
        chains["locus"] = locus_of_genes(chains["v_call"], chains["j_call"])
    return chains, own


def _lacks(table: pd.DataFrame, missing: list[str], path: str) -> Exception:
    names = ", ".join(f"'{column}'" for column in missing)
    found = ", ".join(map(str, table.columns[:40])) or "none"
    noun = "column" if len(missing) == 1 else "columns"
    return at(path, f"{noun} {names} missing (found: {found})", MEND)


def _typed(chains: pd.DataFrame, own: dict[str, str], path: str) -> pd.DataFrame:
    """Return the columns typed; `own`: the file's name of a column, for messages."""
    none = [None] * len(chains)
    words = {name: _text(chains[name]) if name in chains else none for name in TEXT_COLUMNS}
    for column in ("locus", "junction", "junction_aa"):
        words[column] = [None if word is None else word.upper() for word in words[column]]
    for column in ("v_call", "d_call", "j_call", "c_call"):
        words[column] = contig_checks.plain_genes(words[column])
    typed = pd.DataFrame(words, index=chains.index, dtype=object)
    for column, pattern in contig_checks.MAY_HOLD.items():
        contig_checks.words(typed, column, pattern, own.get(column, column), path)
    contig_checks.sequences(typed, own, path)
    typed["productive"] = _flags(chains, "productive", path, missing=False, own=own)
    for column in COUNT_COLUMNS:
        typed[column] = _counts(chains, column, path, own.get(column, column))
    typed["v_identity"] = _share(chains, "v_identity")
    return typed


def _text(values: pd.Series) -> list[str | None]:
    words = (value.strip() for value in values)
    return [None if word.lower() in MISSING else word for word in words]


def _flags(
    table: pd.DataFrame, column: str, path: str, *, missing: bool = True,
    own: dict[str, str] | None = None,
) -> pd.Series:  # fmt: skip
    if column not in table:
        return pd.Series(True, index=table.index)
    words = [value.strip().lower() for value in table[column]]
    strange = set(words) - TRUE - FALSE - MISSING
    if strange:
        value = next(value for value in table[column] if value.strip().lower() in strange)
        name = (own or {}).get(column, column)
        raise at(path, f"column '{name}' holds '{value}'", "Write it as true or false")
    yes = TRUE | MISSING if missing else TRUE
    return pd.Series([word in yes for word in words], index=table.index, dtype=bool)


def _counts(table: pd.DataFrame, column: str, path: str, own: str) -> pd.Series:
    if column not in table:
        return pd.Series(pd.NA, index=table.index, dtype="Int64")
    numbers = pd.to_numeric(table[column], errors="coerce").to_numpy(float)
    bad = (numbers < 0) | (numbers > MAX_COUNT) | (numbers != np.floor(numbers))
    given = table[column].tolist()
    for row in np.flatnonzero(np.isnan(numbers)):
        bad[row] = given[row].strip().lower() not in MISSING
    if bad.any():
        value = given[int(np.argmax(bad))]
        raise at(path, f"column '{own}' holds '{value}'", "Counts are whole numbers from 0")
    return pd.Series(numbers, index=table.index).astype("Int64")


def _share(table: pd.DataFrame, column: str) -> pd.Series:
    if column not in table:
        return pd.Series(np.nan, index=table.index)
    numbers = pd.to_numeric(table[column], errors="coerce").astype(float)
    # AIRR asks for a share of 1; older IgBLAST wrote per cent
    return numbers / 100 if numbers.max() > 1 else numbers


def locus_of_genes(v_call: pd.Series, j_call: pd.Series) -> pd.Series:
    """Return each chain's locus from its gene names; None where V and J do not go together.

    The J gene decides, since `TRAV../DV..` genes serve both TRA and TRD.
    """
    v, j = (call.astype(object).str[:3].str.upper() for call in (v_call, j_call))
    locus = j.where(j.notna(), v)
    agree = v.isna() | j.isna() | (v == j) | ((v == "TRA") & (j == "TRD"))
    return locus.where(agree & locus.isin(LOCI), None)


def _distinct(chains: pd.DataFrame, path: str) -> pd.DataFrame:
    repeated = chains["sequence_id"].isna() | chains.duplicated(["sequence_id"])
    if repeated.any():
        name = chains.loc[repeated, "sequence_id"].iloc[0]
        found = f"contig '{name}' is there more than once" if name else "a contig has no name"
        raise at(path, found, "One file holds one library, each contig once, with its own name")
    return chains
