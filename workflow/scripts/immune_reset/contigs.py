"""Contig tables of V(D)J libraries, read into AIRR chains.

Two forms are read: the contig annotations that Cell Ranger writes (versions 2 to 9, `.csv`), and
AIRR rearrangement tables (`.tsv`; Cell Ranger's own and other tools'). Both come in as text, every
column a string, and go out as AIRR chains. `None`, `nan` and their like are missing values, as
they are in the tables of several Cell Ranger versions.
"""

import gzip
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pandas as pd

from immune_reset import mutation
from immune_reset.errors import InputError, at

RECEPTOR_LOCI = {"BCR": ("IGH", "IGK", "IGL"), "TCR": ("TRA", "TRB", "TRG", "TRD")}
LOCI = RECEPTOR_LOCI["BCR"] + RECEPTOR_LOCI["TCR"]
MISSING = frozenset({"", "none", "nan", "na", "n/a", "null", "<na>"})
TRUE = frozenset({"true", "t", "1", "yes"})
FALSE = frozenset({"false", "f", "0", "no"})

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
AIRR_REQUIRED = (
    "cell_id", "sequence_id", "v_call", "j_call", "junction", "junction_aa", "productive",
)  # fmt: skip
TEXT_COLUMNS = (
    "cell_id", "sequence_id", "locus", "v_call", "d_call", "j_call", "c_call", "junction",
    "junction_aa",
)  # fmt: skip
COUNT_COLUMNS = ("consensus_count", "umi_count")
MEND = (
    "Give Cell Ranger's filtered_contig_annotations.csv as it was written, "
    "or an AIRR rearrangement table (.tsv) of single cells"
)


class OtherReceptor(InputError):
    """A contig table of the other receptor."""


def separator(header: list[str]) -> str:
    """Return the field separator of a contig table, whatever its name: tab, or comma.

    `header`: its column names, as split by tabs.
    """
    return "\t" if len(header) > 1 else ","


@contextmanager
def readable(path: str | Path) -> Iterator[None]:
    """Say in one line what is wrong with a contig table that cannot be read at all.

    Raises
    ------
    InputError
        For a file that is missing, empty, truncated, not compressed as its name says, or no table.
    """
    try:
        yield
    except FileNotFoundError as error:
        raise at(path, "there is no such file", "Correct its path in the sample sheet") from error
    except pd.errors.EmptyDataError as error:
        raise at(path, "the file is empty, without even a header", MEND) from error
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise at(path, f"the compressed file is broken ({error})", "Copy it again") from error
    except (pd.errors.ParserError, UnicodeDecodeError) as error:
        raise at(path, f"this is no table ({str(error).strip()})", MEND) from error


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
        Where a column is missing, a flag or a count cannot be read, contigs have the same name, or
        every chain is of the other receptor.
    """
    table = table.rename(columns=lambda name: str(name).strip())
    chains = _from_airr(table, path) if "cell_id" in table else _from_cell_ranger(table, path)
    dropped = {"contigs": len(chains)}
    reasons = {
        "not_a_cell": ~_flags(table, "is_cell", path),
        "no_cell_id": chains["cell_id"].isna(),
        "no_locus": ~chains["locus"].isin(LOCI),
        "other_receptor": ~chains["locus"].isin(RECEPTOR_LOCI[receptor]),
    }
    keep = np.ones(len(chains), dtype=bool)
    for reason, lost in reasons.items():
        dropped[reason] = int((keep & lost.to_numpy()).sum())
        keep &= ~lost.to_numpy()
    if not keep.any() and dropped["other_receptor"]:
        other = "TCR" if receptor == "BCR" else "BCR"
        found = f"given as {receptor}, but all its chains are {other} chains"
        mend = "Put the file into the sample sheet's column for its receptor (bcr or tcr)"
        raise OtherReceptor(str(at(path, found, mend)))
    chains = chains[keep].reset_index(drop=True)
    _refuse_repeated(chains, path)
    return chains, dropped


def _from_cell_ranger(table: pd.DataFrame, path: str) -> pd.DataFrame:
    missing = [c for c in CELL_RANGER if c not in table and c not in CELL_RANGER_OPTIONAL]
    if missing:
        raise _lacks(table, missing, path)
    present = {old: new for old, new in CELL_RANGER.items() if old in table}
    return _typed(table[list(present)].rename(columns=present), table, path)


def _from_airr(table: pd.DataFrame, path: str) -> pd.DataFrame:
    missing = [column for column in AIRR_REQUIRED if column not in table]
    if missing:
        raise _lacks(table, missing, path)
    names = [*TEXT_COLUMNS, *COUNT_COLUMNS, "productive", "v_identity"]
    chains = table[[column for column in names if column in table]].copy()
    if "umi_count" not in chains and "duplicate_count" in table:
        chains["umi_count"] = table["duplicate_count"]
    chains = _typed(chains, table, path)
    if "locus" not in table:
        chains["locus"] = locus_of_genes(chains["v_call"], chains["j_call"])
    if (len(chains) > 0) and chains["cell_id"].isna().all():
        raise at(path, "column 'cell_id' is empty: no contig belongs to a cell", MEND)
    return chains


def _lacks(table: pd.DataFrame, missing: list[str], path: str) -> Exception:
    names = ", ".join(f"'{column}'" for column in missing)
    found = ", ".join(map(str, table.columns[:40])) or "none"
    noun = "column" if len(missing) == 1 else "columns"
    return at(path, f"{noun} {names} missing (found: {found})", MEND)


def _typed(chains: pd.DataFrame, table: pd.DataFrame, path: str) -> pd.DataFrame:
    typed = pd.DataFrame(index=table.index)
    for column in TEXT_COLUMNS:
        typed[column] = _text(chains[column]) if column in chains else None
    typed["locus"] = typed["locus"].str.upper() if "locus" in chains else None
    for column in ("junction", "junction_aa"):
        typed[column] = typed[column].str.upper() if len(typed) else typed[column]
    typed["productive"] = _flags(chains, "productive", path, missing=False)
    typed["high_confidence"] = _flags(table, "high_confidence", path)
    for column in COUNT_COLUMNS:
        typed[column] = _counts(chains, column, path)
    given = _share(chains, "v_identity")
    typed["v_identity"] = given.fillna(mutation.v_identity(table))
    return typed


def _text(values: pd.Series) -> pd.Series:
    values = values.str.strip()
    return values.astype(object).where(~values.str.lower().isin(MISSING), None)


def _flags(table: pd.DataFrame, column: str, path: str, *, missing: bool = True) -> pd.Series:
    if column not in table:
        return pd.Series(True, index=table.index)
    words = table[column].str.strip().str.lower()
    strange = words[~words.isin(TRUE | FALSE | MISSING)]
    if len(strange):
        value = table[column].loc[strange.index[0]]
        raise at(path, f"column '{column}' holds '{value}'", "Write it as true or false")
    return words.isin(TRUE) | (missing & words.isin(MISSING))


def _counts(table: pd.DataFrame, column: str, path: str) -> pd.Series:
    if column not in table:
        return pd.Series(pd.NA, index=table.index, dtype="Int64")
    numbers = pd.to_numeric(table[column], errors="coerce")
    bad = numbers.isna() & ~table[column].str.strip().str.lower().isin(MISSING)
    bad |= (numbers < 0) | (numbers % 1 > 0)
    if bad.any():
        value = table[column][bad].iloc[0]
        raise at(path, f"column '{column}' holds '{value}'", "Counts are whole numbers from 0")
    return numbers.astype("Int64")


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


def _refuse_repeated(chains: pd.DataFrame, path: str) -> None:
    repeated = chains["sequence_id"].isna() | chains.duplicated(["sequence_id"])
    if repeated.any():
        name = chains.loc[repeated, "sequence_id"].iloc[0]
        found = f"contig '{name}' is there more than once" if name else "a contig has no name"
        raise at(path, found, "One file holds one library, each contig once, with its own name")
