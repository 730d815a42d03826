"""The table of quality control of all samples."""

import pandas as pd
import pytest
from unit import cells_made as made

import call_cells
from immune_reset import tables
from immune_reset.errors import InputError


def row(sample, kept, **lost):
    losses = {f"lost_{reason}": lost.get(reason, 0) for reason in call_cells.REASONS}
    total = kept + sum(losses.values())
    return pd.DataFrame([{"sample": sample, "barcodes_in": total, "cells_kept": kept} | losses])


def gather(tmp_path, rows):
    paths = [tmp_path / f"{i}.parquet" for i in range(len(rows))]
    for path, table in zip(paths, rows, strict=True):
        table.to_parquet(path)
    made.run("gather_qc", tmp_path, {"qc": paths}, {"qc": tmp_path / "qc.tsv"})
    return pd.read_csv(tmp_path / "qc.tsv", sep="\t")


def test_one_row_a_sample_in_the_order_of_the_sheet(tmp_path):
    qc = gather(tmp_path, [row("b", 90, high_mt=10), row("a", 0, low_counts=5)])
    assert qc["sample"].tolist() == ["b", "a"]
    assert list(qc.columns) == tables.fixed_columns("qc")
    assert (qc["barcodes_in"] == qc["cells_kept"] + qc.filter(like="lost_").sum(axis=1)).all()


def test_the_reasons_are_those_of_the_output_contract():
    fixed = [c for c in tables.fixed_columns("qc") if c.startswith("lost_")]
    assert fixed == [f"lost_{reason}" for reason in call_cells.REASONS]


def test_a_cohort_without_cells_is_refused(tmp_path):
    rows = [row("a", 0, low_counts=5, high_mt=9), row("b", 0, high_mt=1)]
    with pytest.raises(InputError, match=r"no cell of any sample .*, most for high mt"):
        gather(tmp_path, rows)
    assert not (tmp_path / "qc.tsv").exists()
