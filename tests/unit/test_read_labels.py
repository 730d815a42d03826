"""The user's own labels, from a table or an h5ad."""

import pandas as pd
import pytest
from anndata import AnnData
from unit.annotation_jobs import job

import read_labels
from immune_reset import tables
from immune_reset.errors import InputError


def test_both_keys_name_the_same_cells():
    by_id = pd.DataFrame({"cell_id": ["S1:A", "S1:B"], "cell_type": ["B cells", "NA"]})
    by_barcode = pd.DataFrame(
        {"sample": ["S1", "S1"], "barcode": ["A", "B"], "cell_type": ["B cells", "NA"]}
    )
    for table in (by_id, by_barcode):
        found = read_labels.own_labels(table, column="cell_type", place="x.tsv")
        assert found["cell_id"].tolist() == ["S1:A", "S1:B"]
        assert found["cluster"].tolist() == ["B cells", "NA"]
        assert set(found["source"]) == {"own"}


def test_empty_labels_are_left_out_and_said(caplog):
    table = pd.DataFrame({"cell_id": ["a", "b", "c"], "type": ["B", None, " "]})
    found = read_labels.own_labels(table, column="type", place="x.tsv")
    assert found["cell_id"].tolist() == ["a"]
    assert "2 rows have an empty label" in caplog.text


@pytest.mark.parametrize(
    "table, message",
    [
        ({"cell_id": ["a"], "label": ["B"]}, "no column 'cell_type'"),
        ({"barcode": ["a"], "cell_type": ["B"]}, "no key of the cells"),
        ({"cell_id": ["a", "a"], "cell_type": ["B", "T"]}, "1 cells have two labels, such as a"),
        ({"cell_id": ["a"], "cell_type": [""]}, "holds no label"),
    ],
)
def test_unusable_labels_name_the_file_and_the_mend(table, message):
    with pytest.raises(InputError, match=message) as error:
        read_labels.own_labels(pd.DataFrame(table), column="cell_type", place="mine.tsv")
    assert str(error.value).startswith("mine.tsv: ")


@pytest.mark.parametrize("name", ["own.tsv", "own.csv", "own.h5ad"])
def test_the_script_reads_each_format(tmp_path, name):
    frame = pd.DataFrame({"cell_id": ["S:A", "S:B"], "kind": ["NK", "7"]})
    path = tmp_path / name
    if name.endswith("h5ad"):
        AnnData(shape=(2, 0), obs=frame.set_index("cell_id")).write_h5ad(path)
    else:
        frame.to_csv(path, sep="," if name.endswith("csv") else "\t", index=False)
    out = {"groups": tmp_path / "groups.parquet"}
    read_labels.main(job({"labels": path}, out, cfg={"annotation.labels_column": "kind"}))
    found = tables.read(out["groups"])
    assert found["cell_id"].tolist() == ["S:A", "S:B"]
    assert found["cluster"].tolist() == ["NK", "7"]
