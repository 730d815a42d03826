"""A look at the files and patterns that the configuration names, before any job runs."""

import re
from pathlib import Path
from typing import Any

import h5py
import pandas as pd

from immune_reset import igblast
from immune_reset.errors import at

Row = dict[str, Any]


def check_named_files(settings: dict[str, Any], rows: list[Row], root: str | Path) -> None:
    """Refuse what the configuration names and no job could use.

    Parameters
    ----------
    settings
        The checked configuration.
    rows
        Rows of the sample sheet.
    root
        Folder of the Snakefile; the shipped gene sets and cell types lie below it.

    Raises
    ------
    InputError
        Names the file or the key, what was found and the mend.
    """
    resources = Path(root) / "resources"
    named = settings["annotation"]
    check_pattern(settings["car"]["pattern"])
    if named["markers"] is not None:
        from immune_reset.marker_evidence import combine

        combine(read_table(named["markers"]), place=named["markers"])
    if named["overrides"] is not None:
        check_overrides(named["overrides"], resources / "markers" / "cell_types.tsv")
    if named["labels"] is not None:
        check_labels(named["labels"], named["labels_column"], {row["sample"] for row in rows})
    if settings["pathways"]["gene_sets"]:
        check_gene_sets(settings["pathways"]["gene_sets"], resources / "gene_sets")
    if settings["receptors"]["igblast_germline"] is not None:
        receptors = settings["receptors"]
        igblast.check_germline(receptors["igblast_germline"], receptors["igblast_organism"])
        for row in rows:
            if "bcr" in row and Path(row["bcr"]).is_file():
                igblast.check_sequences(row["bcr"], header_of(row["bcr"]))


def read_table(path: str | Path) -> pd.DataFrame:
    """Return a table as text: comma-separated where its name says .csv, else tab-separated.

    Raises
    ------
    InputError
        If the file is empty, not UTF-8, or no table.
    """
    separator = "," if ".csv" in Path(path).suffixes else "\t"
    try:
        return pd.read_csv(
            path, sep=separator, dtype=str, keep_default_na=False, encoding="utf-8-sig"
        )
    except pd.errors.EmptyDataError:
        raise at(path, "the file is empty", "Fill it, or remove the setting") from None
    except (pd.errors.ParserError, UnicodeDecodeError, EOFError, OSError) as error:
        found = str(error).strip().split("\n")[0][:120]
        raise at(path, f"not a table ({found})", "Save it as UTF-8, tab-separated") from None


def header_of(path: str | Path) -> list[str]:
    """Return the column names of a contig table, comma- or tab-separated."""
    names = pd.read_csv(path, sep="\t", nrows=0, dtype=str, encoding="utf-8-sig").columns
    return list(names) if len(names) > 1 else str(names[0]).split(",")


def check_pattern(pattern: str) -> None:
    """Refuse a CAR pattern that is no regular expression."""
    try:
        re.compile(pattern)
    except re.error as error:
        mend = "Escape the sign, or leave the key out"
        raise at("configuration, car.pattern", f"{pattern!r}: {error}", mend) from None


def check_overrides(path: str | Path, cell_types: Path) -> None:
    """Refuse a table of overrides without its columns, or with a label that is not known."""
    from immune_reset.vocabulary import read_words

    table = read_table(path)
    clusters = table["cluster"] if "cluster" in table else pd.Series(dtype=str)
    read_words(clusters, table, read_table(cell_types), place=str(path))


def check_labels(path: str | Path, column: str, samples: set[str]) -> None:
    """Refuse labels without their column or key, or of no sample of the sheet."""
    if Path(path).suffix == ".h5ad":
        columns, named = obs_of(path), None
    else:
        table = read_table(path)
        columns = list(table.columns)
        key = next((name for name in ("cell_id", "sample") if name in table), None)
        named = None if key is None else set(table[key].str.split(":", n=1).str[0])
    if column not in columns:
        mend = f"Add the column {column!r}, or name another in annotation.labels_column"
        raise at(path, f"no column {column!r} (its columns: {', '.join(columns)})", mend)
    if Path(path).suffix == ".h5ad":
        return
    if "cell_id" not in columns and not {"sample", "barcode"} <= set(columns):
        mend = "Give cell_id as sample:barcode, or both sample and barcode"
        raise at(path, f"no key of the cells (its columns: {', '.join(columns)})", mend)
    if not (named or set()) & samples:
        found = f"no cell of a sample of the sheet (such as {min(named or {''})!r})"
        some = ", ".join(sorted(samples)[:5])
        mend = f"Name the cells as sample:barcode, with the samples {some}"
        raise at(path, found, mend)


def obs_of(path: str | Path) -> list[str]:
    """Return the names of an h5ad's columns of cells."""
    try:
        with h5py.File(path, "r") as file:
            return [name for name in file["obs"] if not name.startswith("_")]
    except (OSError, KeyError):
        raise at(path, "not an h5ad with a table obs", "Copy it again, or give a table") from None


def check_gene_sets(paths: list[str], shipped: Path) -> None:
    """Refuse a file that is not GMT, or a set whose name is taken."""
    from immune_reset.gene_sets import parse_gmt

    known = {name for path in shipped.glob("*.tsv") for name in read_table(path)["gene_set"]}
    for path in paths:
        try:
            text = Path(path).read_text(encoding="utf-8")
        except UnicodeDecodeError as error:
            raise at(path, f"not UTF-8 text ({error.reason})", "Save it as UTF-8") from None
        known |= set(parse_gmt(text, path, known=known)["gene_set"])
