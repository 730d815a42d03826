"""Reading and writing the keyed tables that travel between rules."""

import glob
import json
import secrets
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

import pandas as pd

from immune_reset import unchanged

ID_COLUMNS = (
    "sample", "patient", "timepoint", "cell_id", "barcode", "cluster", "gene_id", "symbol",
    "clone_id", "comparison", "compartment", "scope", "gene_set", "cell_type", "cell_subtype",
    "v_call", "j_call", "c_call", "junction", "junction_aa", "receptor", "measure", "claim",
    "family", "status", "reason", "detail", "evidence", "direction", "batch", "group", "tissue",
)  # fmt: skip


@contextmanager
def whole(path: str | Path) -> Iterator[Path]:
    """Give a place beside `path` to write to; it becomes `path` only if the block ends well.

    A job that is killed, or finds the disk full or its inputs changed, leaves no half file under
    the output's name. The place keeps the suffix, by which writers choose their format. Its name is
    this job's own, and what an earlier job left there goes: one that outlived its Snakemake then
    ends with an error, and puts nothing in the place of what is made now.
    """
    path = Path(path)
    for left in path.parent.glob(f".partial.????????.{glob.escape(path.name)}"):
        left.unlink(missing_ok=True)
    partial = path.with_name(f".partial.{secrets.token_hex(4)}.{path.name}")
    try:
        yield partial
        unchanged.check()
    except BaseException:
        partial.unlink(missing_ok=True)
        raise
    partial.replace(path)


def read(path: str | Path, columns: list[str] | None = None) -> pd.DataFrame:
    """Read a table: Parquet, or TSV in which `NA` is a name and only an empty cell is missing.

    Id columns of a TSV come back as strings with "" for missing; other columns as pandas infers.
    """
    path = Path(path)
    if path.suffix == ".parquet":
        return pd.read_parquet(path, columns=columns)
    header = pd.read_csv(path, sep="\t", nrows=0).columns
    ids = [name for name in header if name in ID_COLUMNS]
    frame = pd.read_csv(
        path,
        sep="\t",
        usecols=columns,
        dtype=dict.fromkeys(ids, str),
        keep_default_na=False,
        na_values={name: [""] for name in header if name not in ids},
        low_memory=False,
    )
    return frame if columns is None else frame[columns]


def read_many(paths: Iterable[str | Path], columns: list[str] | None = None) -> pd.DataFrame:
    """Read several tables and stack them in the order given; empty ones keep their columns."""
    frames = [read(path, columns) for path in paths]
    filled = [frame for frame in frames if len(frame)]
    if not filled:
        return frames[0] if frames else pd.DataFrame(columns=columns)
    return pd.concat(filled, ignore_index=True)


def read_parts(paths: Iterable[str | Path], keys: list[str]) -> pd.DataFrame:
    """Read tables and return their rows by `keys`, these in the order of their first row.

    What the parts say of one key stands together, in the order of the parts.
    """
    rows = read_many(paths)
    place = rows.groupby(keys, sort=False).ngroup().sort_values(kind="stable")
    return rows.loc[place.index].reset_index(drop=True)


def stack(sources: Iterable[str | Path], path: str | Path) -> int:
    """Write several tables, stacked as by `read_many`, as one table; return its rows."""
    table = read_many(sources)
    write(table, path)
    return len(table)


def write(frame: pd.DataFrame, path: str | Path) -> None:
    """Write a table whole or not at all: Parquet (zstd), or TSV by its suffix.

    A TSV named in the output contract has the contract's columns checked and put first.

    Raises
    ------
    KeyError
        If a column that the contract fixes is missing.
    """
    path = Path(path)
    with whole(path) as partial:
        if path.suffix == ".parquet":
            frame.to_parquet(partial, index=False, compression="zstd")
        else:
            made = ordered(frame, path.stem)
            made.to_csv(partial, sep="\t", index=False, lineterminator="\n")


def ordered(frame: pd.DataFrame, name: str) -> pd.DataFrame:
    """Return `frame` with the columns that the contract fixes for table `name` in front."""
    fixed = fixed_columns(name)
    missing = [column for column in fixed if column not in frame.columns]
    if missing:
        raise KeyError(f"tables/{name}.tsv lacks the columns {missing}")
    return frame[fixed + [column for column in frame.columns if column not in fixed]]


def fixed_columns(name: str) -> list[str]:
    """Return the columns that the output contract fixes for table `name`, in their order."""
    return list(contract().get(name, {}).get("columns", {}))


@cache
def contract() -> dict[str, Any]:
    """Return the output contract, table by table (workflow/schemas/tables.yaml)."""
    import yaml

    place = Path(__file__).resolve().parents[2] / "schemas" / "tables.yaml"
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    return yaml.load(place.read_text(encoding="utf-8"), loader)


def optional(files: Any, name: str) -> Any:
    """Return the named input, or None where the cohort does not have it."""
    return files.get(name) if hasattr(files, "get") else getattr(files, name, None)


def write_json(value: Any, path: str | Path) -> None:
    """Write `value` as JSON with sorted keys, whole or not at all."""
    text = json.dumps(value, indent=1, sort_keys=True) + "\n"
    write_text(text, path)


def write_text(text: str, path: str | Path) -> None:
    """Write `text` as UTF-8, whole or not at all."""
    with whole(path) as partial:
        partial.write_text(text, encoding="utf-8")


def read_json(path: str | Path) -> Any:
    """Read a JSON file."""
    return json.loads(Path(path).read_text(encoding="utf-8"))
