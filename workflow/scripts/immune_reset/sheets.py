"""The sample sheet, and what holds for every sheet: read as text, checked row by row."""

import csv
import os
import re
from pathlib import Path
from typing import Any

import pandas as pd

from immune_reset import cellranger, text_files
from immune_reset.errors import at
from immune_reset.settings import first_fault

PATH_COLUMNS = ("gex", "bcr", "tcr")
FILE_COLUMNS = (*PATH_COLUMNS, "raw_gex", "donors")
MATRIX_COLUMNS = ("gex", "raw_gex")
FORMULA = re.compile(r"[=@]|[+-](?=[A-Za-z(=@])|.*[\x00-\x08\x0b-\x1f\x7f\u2028\u2029]")
"""What a spreadsheet would run, or no eye would see."""
NAMES = ("sample", "patient", "timepoint", "tissue", "group", "batch", "donor")
"""Columns in which the same name is written the same way in every row."""
CONTROL = "control"
Row = dict[str, Any]


def read_sheet(path: str | Path, schema: dict[str, Any]) -> list[tuple[int, Row]]:
    """Return the rows of a tab-separated sheet and their lines, empty cells left out, typed.

    Parameters
    ----------
    path
        The sheet. UTF-8, a byte-order mark and Windows line ends allowed; empty lines are passed
        over, and so are lines with # before the header.
    schema
        JSON schema of a row; its `properties` are the columns, others pass as text.

    Raises
    ------
    InputError
        Names the sheet, the row and the column, what was found and the mend.
    """
    path = Path(path)
    lines = _lines(path)
    if not lines:
        raise at(path, "the sheet is empty", f"write a header: {', '.join(schema['required'])}")
    header = _header(lines[0][1], schema, path)
    rows = [
        (number, _row(cells, header, schema, f"{path}, line {number}"))
        for number, cells in lines[1:]
    ]
    if not rows:
        raise at(path, "the sheet has a header and no row", "add a row, or remove the file")
    return rows


def frame(path: str | Path) -> pd.DataFrame:
    """Return a sheet that `read_sheet` accepts as text, every column, "" where a cell is empty."""
    (_, header), *rows = _lines(Path(path))
    names = [cell.strip() for cell in header]
    filled = [[*map(str.strip, cells), *[""] * len(names)][: len(names)] for _, cells in rows]
    table = pd.DataFrame(filled, columns=names, dtype=str)
    return table[[name for name in names if name]]


def own_columns(path: str | Path, schema: dict[str, Any]) -> list[str]:
    """Return the columns of a readable sheet that its schema does not know."""
    header = [cell.strip() for cell in _lines(Path(path))[0][1]]
    return [name for name in header if name and not _rule(name, schema)]


def _lines(path: Path) -> list[tuple[int, list[str]]]:
    """Return the lines that hold anything, numbered from 1, those with # before the header gone."""
    if not path.is_file():
        kind = "it is a folder" if path.is_dir() else "it is no file"
        found = kind if path.exists() else "there is no such file"
        raise at(path, found, "check the path; it is relative to where you are")
    rows = csv.reader(text_files.iter_lines(path), delimiter="\t", quoting=csv.QUOTE_NONE)
    found = [(n, cells) for n, cells in enumerate(rows, start=1) if any(c.strip() for c in cells)]
    while found and found[0][1][0].startswith("#"):
        del found[0]
    return found


def _header(cells: list[str], schema: dict[str, Any], path: Path) -> list[str]:
    header = [cell.strip() for cell in cells]
    twice = sorted({name for name in header if name and header.count(name) > 1})
    if twice:
        raise at(path, f"the column '{twice[0]}' stands twice", "keep one of them")
    known = {_plain(name): name for name in schema["properties"]}
    for name in header:
        meant = name if name[:1] in "\"'" else known.get(_plain(name), name)
        if meant != name and meant not in header:
            raise at(path, f"the column '{name}' is not known", f"write it as '{meant}'")
    missing = [name for name in schema["required"] if name not in header]
    if missing:
        hint = "separate the columns by tabs" if len(header) == 1 else "add the column"
        if header[0].startswith(('"', "'")):
            hint = "write the sheet without quotes (in R: write.table(..., quote = FALSE))"
        raise at(path, f"no column '{missing[0]}' in the header {header}", hint)
    return header


def _plain(name: str) -> str:
    return re.sub(r"[\W_]", "", name).lower()


def _row(cells: list[str], header: list[str], schema: dict[str, Any], place: str) -> Row:
    if any(cell.strip() for cell in cells[len(header) :]):
        raise at(place, f"{len(cells)} cells under {len(header)} columns", "remove the extra tabs")
    row = {
        name: cell.strip()
        for name, cell in zip(header, cells, strict=False)
        if name and cell.strip()
    }
    for name in schema["required"]:
        if name not in row:
            raise at(place, f"the column '{name}' is empty", "fill it in")
    return {
        name: _cell(text, _rule(name, schema), f"{place}, column '{name}'")
        for name, text in row.items()
    }


def _rule(name: str, schema: dict[str, Any]) -> dict[str, Any]:
    for pattern, rule in schema.get("patternProperties", {}).items():
        if re.search(pattern, name):
            return rule
    return schema["properties"].get(name, {})


def _cell(text: str, rule: dict[str, Any], place: str) -> Any:
    value: Any = text
    if rule.get("type") == "number":
        value = number(text)
        if value is None:
            raise at(place, f"found '{text}', which is not a number", rule["description"])
        if value != value or value in (float("inf"), float("-inf")):
            raise at(place, f"found '{text}'", "give a finite number, or leave the cell empty")
    if isinstance(value, str) and FORMULA.match(value):
        found = f"found {text[:60]!r}, which a spreadsheet would run, or cannot show"
        raise at(place, found, "write plain text")
    fault = first_fault(value, rule)
    if fault:
        raise at(place, f"found '{text}': {fault}", rule.get("description", "see the docs"))
    return value


def number(text: str) -> float | None:
    """Return the number that `text` is, None where it is none (Python's own 1_000 is none)."""
    try:
        return None if "_" in text else float(text)
    except ValueError:
        return None


def read_samples(path: str | Path, schema: dict[str, Any]) -> list[Row]:
    """Return the sample sheet's rows with paths resolved against the sheet's folder.

    Raises
    ------
    InputError
        On what `read_sheet` refuses, a repeated sample, an unknown `qc_` column, a matrix that
        some samples have and others have not, a sample without any file, or one name written in
        capitals in one row and in small letters in another.
    """
    path = Path(path)
    numbered = read_sheet(path, schema)
    _check_spelling(numbered, path)
    rows = [row for _, row in numbered]
    seen: dict[str, int] = {}
    for line, row in numbered:
        name = row["sample"]
        if name in seen:
            raise at(
                path,
                f"the sample '{name}' stands in line {seen[name]} and again in line {line}",
                "give each row its own sample name",
            )
        seen[name] = line
        for column in row:
            if column.startswith("qc_") and not _rule(column, schema):
                raise at(
                    path,
                    f"unknown column '{column}'",
                    "the keys of `qc` are in docs/configuration.md",
                )
        for column in FILE_COLUMNS:
            if column in row:
                row[column] = str(path.parent / row[column])
        _check_donor(row, f"{path}, sample '{name}'")
        _check_raw(row, f"{path}, sample '{name}'")
        if "cellranger" in row:
            _add_outputs(row, path)
        if not any(column in row for column in PATH_COLUMNS):
            raise at(
                path, f"sample '{name}' has neither gex, bcr nor tcr", "give one of them a path"
            )
    without = [row["sample"] for row in rows if "gex" not in row]
    if without and len(without) < len(rows):
        raise at(
            path,
            f"sample '{without[0]}' has no count matrix while others have",
            "give it a path in column gex, or leave gex empty for all samples",
        )
    return rows


def _check_spelling(rows: list[tuple[int, Row]], path: Path) -> None:
    """Refuse a name of two spellings: P1 and p1 would be two patients, Control no control."""
    for column in NAMES:
        seen = {CONTROL: (CONTROL, None)} if column == "group" else {}
        for line, row in rows:
            name = row.get(column)
            if name is None:
                continue
            first, where = seen.setdefault(name.lower(), (name, line))
            if first != name:
                other = "" if where is None else f" in line {where}"
                found = f"'{name}' is written '{first}'{other}"
                raise at(f"{path}, line {line}, column '{column}'", found, "Write it alike")


def _add_outputs(row: Row, path: Path) -> None:
    """Fill gex, raw_gex, bcr and tcr, where they are empty, from the row's Cell Ranger folder."""
    place = f"{path}, sample '{row['sample']}', column 'cellranger'"
    folder = path.parent / row.pop("cellranger")
    found = cellranger.find_outputs(folder, sample=row["sample"], place=place)
    contigs = found.pop("contigs", None)
    if contigs is not None:
        table = text_files.table(contigs)
        loci = set(table["chain"]) if "chain" in table else set()
        for kind in cellranger.which_receptors(loci, path=contigs):
            found.setdefault(kind, contigs)
    if "gex" in row:
        found.pop("raw_gex", None)  # it may be another library's
    for kind, file in found.items():
        row.setdefault(kind, str(file))


def _check_donor(row: Row, place: str) -> None:
    for one, other in (("donor", "donors"), ("donors", "donor")):
        if one in row and other not in row:
            found = f"the column '{one}' is filled and '{other}' is empty"
            raise at(place, found, "a multiplexed library needs both: the table, and who is meant")


def _check_raw(row: Row, place: str) -> None:
    if "raw_gex" not in row:
        return
    if "gex" not in row and "cellranger" not in row:
        mend = "Give the filtered matrix in gex; raw_gex only tells what leaks into its cells"
        raise at(place, "the column 'raw_gex' is filled and 'gex' is empty", mend)
    if Path(row["raw_gex"]).resolve() == Path(row.get("gex", "")).resolve():
        raise at(place, "raw_gex and gex name the same file", "Leave raw_gex empty")


def files_made_for(root: str | Path) -> set[str]:
    """Return the files that the demo's rule writes, by the demo's own sheet, relative to here."""
    sheet = Path(root) / "resources" / "demo" / "samples.tsv"
    header, *lines = [line.split("\t") for line in sheet.read_text("utf-8").splitlines() if line]
    rows = [dict(zip(header, line, strict=False)) for line in lines]
    folder = os.path.relpath(sheet.parent)
    return {f"{folder}/{row[kind]}" for row in rows for kind in PATH_COLUMNS if row.get(kind)}


def files_of(rows: list[Row]) -> list[str]:
    """Return every file or folder that the rows name."""
    return [row[column] for row in rows for column in FILE_COLUMNS if column in row]


def check_files(rows: list[Row], made: set[str], sheet: str | Path) -> None:
    """Refuse a sheet that names a file which is neither there nor `made` by a rule."""
    for row in rows:
        for column in FILE_COLUMNS:
            if column not in row or row[column] in made:
                continue
            place = f"{sheet}: sample '{row['sample']}', column '{column}'"
            path = Path(row[column])
            if not _exists(path):
                mend = "Paths are relative to the sheet; leave the cell empty if there is none"
                raise at(place, f"no file {row[column]}", mend)
            if not (path.is_file() or (column in MATRIX_COLUMNS and path.is_dir())):
                kind = "a folder" if path.is_dir() else "neither a file nor a folder"
                raise at(place, f"{row[column]} is {kind}", "Name the file itself")


def _exists(path: Path) -> bool:
    try:
        return path.exists()
    except OSError:  # too long a name, or a folder that may not be read
        return False
