import numpy as np
import pandas as pd
import pytest

from immune_reset import tables


def test_ids_survive_a_tsv_whatever_they_look_like(tmp_path):
    frame = pd.DataFrame({"sample": ["NA", "007", "1e5"], "value": [1.5, np.nan, 3.0]})
    tables.write(frame, tmp_path / "free.tsv")
    back = tables.read(tmp_path / "free.tsv")
    pd.testing.assert_frame_equal(back, frame)


def test_the_contract_is_checked_and_its_columns_come_first(tmp_path):
    frame = pd.DataFrame({"extra": [1], **{c: [0] for c in tables.fixed_columns("qc")}})
    tables.write(frame, tmp_path / "qc.tsv")
    assert list(tables.read(tmp_path / "qc.tsv"))[:2] == ["sample", "barcodes_in"]
    with pytest.raises(KeyError, match="cells_kept"):
        tables.write(frame.drop(columns="cells_kept"), tmp_path / "qc.tsv")


def test_a_failed_write_leaves_no_table(tmp_path):
    with pytest.raises(KeyError):
        tables.write(pd.DataFrame({"sample": ["a"]}), tmp_path / "qc.tsv")
    assert not list(tmp_path.iterdir())


def test_empty_tables_stack_with_full_ones(tmp_path):
    full = pd.DataFrame({"sample": ["a"], "n": [1]})
    for name, frame in (("x", full.iloc[:0]), ("y", full), ("z", full.iloc[:0])):
        tables.write(frame, tmp_path / f"{name}.parquet")
    back = tables.read_many([tmp_path / f"{name}.parquet" for name in "xyz"])
    pd.testing.assert_frame_equal(back, full)
    assert list(tables.read_many([tmp_path / "x.parquet"])) == ["sample", "n"]


def test_parquet_is_the_same_bytes_twice(tmp_path):
    frame = pd.DataFrame({"cell_id": ["a:1", "a:2"], "x": [0.1, 0.2]})
    tables.write(frame, tmp_path / "a.parquet")
    tables.write(frame, tmp_path / "b.parquet")
    assert (tmp_path / "a.parquet").read_bytes() == (tmp_path / "b.parquet").read_bytes()
