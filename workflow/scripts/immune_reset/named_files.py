"""A look at the files and patterns that the configuration names, before any job runs."""

import re
from pathlib import Path
from typing import Any

import h5py
import pandas as pd

from immune_reset import igblast, lookup, text_files
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

        combine(text_files.plain_table(named["markers"]), place=named["markers"])
    if named["overrides"] is not None:
        check_overrides(named["overrides"], resources / "markers" / "cell_types.tsv")
    if named["labels"] is not None:
        check_labels(named["labels"], named["labels_column"], {row["sample"] for row in rows})
    if settings["clones"]["lookup"] is not None:
        lookup.parse(lookup.read(settings["clones"]["lookup"]), place=settings["clones"]["lookup"])
    if settings["pathways"]["gene_sets"]:
        check_gene_sets(settings["pathways"]["gene_sets"], resources / "gene_sets")
    if settings["receptors"]["igblast_germline"] is not None:
        receptors = settings["receptors"]
        igblast.check_germline(receptors["igblast_germline"], receptors["igblast_organism"])
        for row in rows:
            if "bcr" in row and Path(row["bcr"]).is_file():
                igblast.check_sequences(row["bcr"], header_of(row["bcr"]))


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

    table = text_files.plain_table(path)
    clusters = table["cluster"] if "cluster" in table else pd.Series(dtype=str)
    read_words(clusters, table, text_files.plain_table(cell_types), place=str(path))


def check_labels(path: str | Path, column: str, samples: set[str]) -> None:
    """Refuse labels without their column or key, or of no sample of the sheet."""
    if Path(path).suffix == ".h5ad":
        columns, named = obs_of(path), None
    else:
        table = text_files.plain_table(path)
        columns = list(table.columns)
        _check_one_label(table, column, path)
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


def _check_one_label(table: pd.DataFrame, column: str, path: str | Path) -> None:
    keys = ["cell_id"] if "cell_id" in table else ["sample", "barcode"]
    if column in table and set(keys) <= set(table.columns):
        labelled = table.loc[table[column] != "", [*keys, column]].drop_duplicates()
        twice = labelled[labelled.duplicated(keys)]
        if len(twice):
            name = ":".join(twice.iloc[0][keys])
            raise at(path, f"{len(twice)} cells have two labels, such as {name}", "Keep one each")


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

    ours = [text_files.plain_table(path) for path in shipped.glob("*.tsv")]
    known = {name for table in ours for name in table["gene_set"]}
    for path in paths:
        text = "\n".join(text_files.lines(path))
        known |= set(parse_gmt(text, path, known=known)["gene_set"])
