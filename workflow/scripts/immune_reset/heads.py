"""A look at the head of every input file, so that what cannot work stops before any job runs."""

import re
from functools import cache
from itertools import combinations
from pathlib import Path
from typing import Any

import pandas as pd

from immune_reset import barcodes, contigs, donors, genomes, input_remarks, looked, text_files
from immune_reset.errors import at
from immune_reset.matrix_heads import Head, check_filtered, read_head
from immune_reset.named_files import check_named_files
from immune_reset.plan import Plan
from immune_reset.triplets import matrix_files

Row = dict[str, Any]
PEEK = 2000
MIN_CONTIG_CELLS = 10
"""Cells with contigs of which some must be in the matrix; fewer may all have been lost there."""

MIN_SHARED = 10
"""Cells that two samples must share by name for their counts to be compared."""

MAX_CAR = 20
"""Features that a pattern may take for the CAR; constructs have a handful."""

MAX_GENES_LOST = 0.1
"""Share of the genes that an unfiltered matrix may lack."""

SAME = 0.5
"""Share of the cells of one name with equal counts from which two samples are one."""


def check_files(
    plan: Plan, made: set[str], root: str | Path, *, note: str | Path | None = None
) -> None:
    """Refuse what a checked plan's files show in seconds: sheets' and configuration's alike.

    `made`: paths that a rule writes; `root`: folder of the Snakefile; `note`: where it is kept in
    which state the sheet's files passed, so that they are not read again (`immune_reset.looked`).
    """
    chosen, rows = plan.settings, list(plan.rows.values())
    genes, car = chosen["genes"], chosen["car"]
    told = {"car": car["features"], "pattern": car["pattern"], "join_by": genes["join_by"]}
    check_named_files(chosen, rows, root)
    state = "" if note is None else _state_of(rows, made, told)
    if note is None or not looked.passed(state, note):
        check_heads(rows, made, **told)
        if note is not None:
            looked.remember(state, note)


def _state_of(rows: list[Row], made: set[str], told: dict[str, Any]) -> str:
    """Return the state of all that `check_heads` reads, and of the modules that read it."""
    columns = ("gex", "raw_gex", "bcr", "tcr", "donors")
    named = [row[column] for row in rows for column in columns if column in row]
    modules = sorted(Path(__file__).parent.glob("*.py"))
    given = [file for path in named for file in matrix_files(path)]
    return looked.state_of([*given, *modules], rows, sorted(made.intersection(named)), told)


def check_heads(
    rows: list[Row],
    made: set[str],
    *,
    car: list[str] | None = None,
    pattern: str = "",
    join_by: str = "ensembl",
) -> None:
    """Refuse files that are cut, of another kind, given twice, or that belong to other cells.

    Parameters
    ----------
    rows
        Rows of the sample sheet, paths resolved.
    made
        Paths that a rule of the workflow writes; they are not looked at.
    car
        CAR features that the configuration names.
    pattern
        What finds them where none is named; "" finds nothing.
    join_by
        What genes are joined by, "ensembl" or "symbol".

    Raises
    ------
    InputError
        Names the file, what was found in it and the mend.
    """
    heads: dict[str, Head] = {}
    tables: dict[tuple[str, str], str] = {}
    for row in rows:
        head = None
        if "gex" in row and row["gex"] not in made:
            head = _head(Path(row["gex"]), _stamp(Path(row["gex"])))
            check_filtered(len(head.barcodes), row["gex"])
            heads[row["sample"]] = head
        if head is not None and "raw_gex" in row:
            _check_raw(row, head)
        if "donors" in row:
            _check_donor(row, head)
        _check_contigs(row, head, made, tables)
    own = {row["sample"]: row for row in rows}
    for (one, first), (other, second) in combinations(heads.items(), 2):
        _check_same_cells(own[one], first, own[other], second)
    _check_genes(heads, join_by)
    if heads and not made & {row.get("gex", "") for row in rows}:
        _check_car(heads, car or [], pattern)


def gene_notes(plan: Plan, made: set[str]) -> list[str]:
    """Return which samples have many genes that not every sample has; the files were checked."""
    paths = {name: Path(row["gex"]) for name, row in plan.rows.items()
             if "gex" in row and row["gex"] not in made}  # fmt: skip
    join_by = plan.settings["genes"]["join_by"]
    genes = {}
    for sample, path in paths.items():
        features = _head(path, _stamp(path)).features
        of_cells = features[features["feature_type"] == genomes.GENE_EXPRESSION]
        genes[sample] = set(genomes.joined(of_cells, join_by)["gene_id"])
    shared = len(set.intersection(*genes.values())) if genes else 0
    notes = {
        sample: input_remarks.gene_remark({"genes": len(own), "genes_shared": shared})
        for sample, own in genes.items()
    }
    return [f"{sample}: {note}." for sample, note in notes.items() if note]


@cache
def _head(path: Path, stamp: tuple) -> Head:
    """Return the head of a matrix in the state `stamp`, which one process looks at once."""
    return read_head(path)


@cache
def _contig_cells(path: Path, column: str, stamp: tuple) -> set[str]:
    """Return the barcodes of contigs in the state `stamp`, looked at once."""
    return contig_barcodes(path, column)


def _stamp(path: Path) -> tuple:
    states = [Path(name).stat() for name in matrix_files(path) if Path(name).exists()]
    return (Path.cwd(), *((state.st_mtime_ns, state.st_size, state.st_ino) for state in states))


def _check_raw(row: Row, head: Head) -> None:
    """Refuse an unfiltered matrix of another library or annotation, or one that was filtered."""
    raw = _head(Path(row["raw_gex"]), _stamp(Path(row["raw_gex"])))
    place = f"{raw.path} (sample '{row['sample']}', column 'raw_gex')"
    if len(raw.barcodes) <= len(head.barcodes):
        found = f"{len(raw.barcodes)} barcodes, and the filtered matrix has {len(head.barcodes)}"
        raise at(place, found, "Give the unfiltered matrix in raw_gex, the filtered one in gex")
    cells = set(head.barcodes)
    barcodes.match_rule(cells, set(raw.barcodes), place=str(head.path), other=place)
    lost = set(head.features["gene_id"]) - set(raw.features["gene_id"])
    if len(lost) > MAX_GENES_LOST * len(head.features):
        found = f"it lacks {len(lost)} of the {len(head.features)} genes of {head.path}"
        raise at(place, found, "Give the unfiltered matrix of the same run")


def _check_donor(row: Row, head: Head | None) -> None:
    table = text_files.table(row["donors"])
    cells = donors.cells_of(table, row["donor"], place=row["donors"])
    if head is not None:
        place, other = row["donors"], str(head.path)
        barcodes.match_rule(cells, set(head.barcodes), place=place, other=other)


def _check_contigs(
    row: Row, head: Head | None, made: set[str], tables: dict[tuple[str, str], str]
) -> None:
    found: dict[str, set[str]] = {}
    for column in ("bcr", "tcr"):
        if column not in row or row[column] in made:
            continue
        path = Path(row[column])
        found[column] = _contig_cells(path, column, _stamp(path))
        if found[column]:
            key = (text_files.digest(path), row.get("donor", ""))
            before = tables.setdefault(key, row["sample"])
            if before != row["sample"]:
                said = f"the same contigs as those of sample '{before}'"
                raise at(path, said, "Give each sample its own file")
    if head is None:
        return
    cells = set(head.barcodes)
    alone = not any(names & cells for names in found.values())
    for column, names in found.items():
        if len(names) >= MIN_CONTIG_CELLS or alone:
            barcodes.match_rule(names, cells, place=row[column], other=str(head.path))


def _check_same_cells(one: Row, first: Head, other: Row, second: Head) -> None:
    if one.get("donor") != other.get("donor"):
        return
    ours, theirs = first.marks_by_core, second.marks_by_core
    shared = ours.keys() & theirs.keys()
    equal = sum(ours[name] == theirs[name] for name in shared)
    whole = bool(ours) and first.barcodes == second.barcodes and equal == len(shared)
    many = len(shared) >= MIN_SHARED and equal >= SAME * len(shared)
    if whole or many or first.place == second.place:
        said = "the same matrix as" if first.barcodes == second.barcodes else "the same cells as"
        found = f"{said} that of sample '{one['sample']}', {first.path}"
        raise at(f"{second.path} (sample '{other['sample']}')", found, "Give each its own library")


def _check_genes(heads: dict[str, Head], join_by: str) -> None:
    named = {sample: genomes.has_ensembl(head.features) for sample, head in heads.items()}
    if join_by == "ensembl" and len(set(named.values())) > 1:
        with_ids = next(sample for sample, has in named.items() if has)
        without = next(sample for sample, has in named.items() if not has)
        found = (
            f"sample '{without}' names genes by symbols alone (such as "
            f"{heads[without].features['gene_id'].iloc[0]}), sample '{with_ids}' by Ensembl ids"
        )
        mend = "Set genes.join_by: symbol, or give the ids to all"
        if not genomes.has_symbols(heads[with_ids].features):
            found, mend = f"{found} alone", "Give all samples both, in the files of one reference"
        raise at(heads[without].path, found, mend)
    bare = [s for s, head in heads.items() if not genomes.has_symbols(head.features)]
    if join_by == "symbol" and bare:
        found = "it names genes by Ensembl ids alone, and genes.join_by is symbol"
        raise at(heads[bare[0]].path, found, "Leave genes.join_by at ensembl, or give the symbols")
    common: set[str] | None = None
    for sample, head in heads.items():
        own = set(genomes.joined(head.features, join_by)["gene_id"])
        common = own if common is None else common & own
        if not common:
            found = f"sample '{sample}' has no gene in common with the samples before it"
            raise at(head.path, found, "Name genes alike in all samples (ids or symbols)")


def _check_car(heads: dict[str, Head], car: list[str], pattern: str) -> None:
    frames = [head.features for head in heads.values()]
    known = {name for frame in frames for name in [*frame["gene_id"], *frame["symbol"]]}
    hit = sorted(filter(re.compile(pattern).search, known)) if pattern and not car else []
    if len(hit) > MAX_CAR:
        found = f"{pattern!r} fits {len(hit)} features, such as {hit[0]} and {hit[-1]}"
        mend = "Write a pattern that fits the transgene alone, or name it in car.features"
        raise at("configuration, car.pattern", found, mend)
    for name in car:
        if name not in known:
            found = f"the feature '{name}' is in no sample's matrix"
            raise at("configuration, car.features", found, "Name it as there, or remove it")


def matrix_barcodes(path: Path) -> set[str]:
    """Return the barcodes of a count matrix: 10x `.h5`, `.h5ad`, 10x folder or prefixed files."""
    return set(read_head(path).barcodes)


def contig_barcodes(path: Path, column: str) -> set[str]:
    """Return the first barcodes of a contig table whose columns and first rows were checked.

    A table with a header and no row is an empty repertoire, not an error.
    """
    text_files.check_whole(path)
    receptor, table = column.upper(), text_files.table(path, PEEK)
    try:
        chains, _ = contigs.parse(table, path=str(path), receptor=receptor)
    except contigs.OtherReceptor:
        if len(table) < PEEK - 100:  # its chains of this receptor may stand further down
            raise
        table = text_files.table(path)
        chains, _ = contigs.parse(table, path=str(path), receptor=receptor)
    return cells_of(table, chains)


def cells_of(table: pd.DataFrame, chains: pd.DataFrame) -> set[str]:
    """Return the cells of the chains, or where none was accepted of the whole table."""
    if len(chains):
        return set(chains["cell_id"].dropna())
    name = next((name for name in ("barcode", "cell_id", "Cell_Index") if name in table), None)
    return set() if name is None else set(table[name]) - {""}
