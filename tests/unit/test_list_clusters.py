"""The cluster sheet: shares by hand, and the way round, from the sheet back to overrides."""

import pandas as pd
import pytest
from unit.annotation_jobs import MARKERS
from unit.test_annotate_cells import run

import list_clusters
from immune_reset import tables
from immune_reset.named_files import check_overrides
from immune_reset.vocabulary import read_words

SAMPLES = pd.DataFrame(
    {
        "sample": ["A0", "A1", "B0"],
        "patient": ["PA", "PA", "PB"],
        "timepoint": ["pre", "post", "pre"],
    }
)


def made(labels, clusters, words=None, least=0.1, samples=SAMPLES):
    return list_clusters.sheet(clusters, labels, samples, ["pre", "post"], words, least=least)


def small():
    """Cluster 0: 3 cells of A0, 1 of A1, 4 of B0; cluster 1: 2 cells of A1."""
    names = ["A0"] * 3 + ["A1"] + ["B0"] * 4 + ["A1"] * 2
    labels = pd.DataFrame({"cell_id": range(10), "sample": names, "cluster": ["0"] * 8 + ["1"] * 2})
    clusters = pd.DataFrame(
        {
            "cluster": ["0", "1"], "n_cells": [8, 2], "cell_type": ["B", "platelet"],
            "confidence": [0.8, 0.05], "alternative": ["plasma", ""],
            "alternative_score": [0.1, None], "source": "marker", "top_markers": "CD79A, MS4A1",
            "cell_subtype": ["naive B", ""], "note": "",
        }
    )  # fmt: skip
    return labels, clusters


def test_shares_of_patients_and_timepoints_by_hand():
    sheet = made(*small()).set_index("cluster")
    assert sheet.loc["0", "patients"] in ("PA 50 %, PB 50 %", "PB 50 %, PA 50 %")
    assert sheet.loc["0", "timepoints"] == "pre 88 %, post 12 %"  # 7 and 1 of 8
    assert sheet.loc["1", ["patients", "timepoints"]].tolist() == ["PA 100 %", "post 100 %"]
    assert sheet["largest_patient_share"].tolist() == [0.5, 1]
    assert sheet["suggested"].tolist() == ["naive B", "platelet"]
    assert sheet["mark"].tolist() == ["", "low"]
    assert sheet["label"].tolist() == ["", ""]


def test_many_patients_are_summed_up():
    cells = pd.Series([f"P{i}" for i in range(40) for _ in range(40 - i)])
    text, largest = list_clusters.shares_of(cells, cells.value_counts().index.tolist())
    assert text.startswith("P0 5 %, P1 5 %") and text.endswith("34 others 73 %")
    assert largest == pytest.approx(40 / 820)  # 40 of 40 + 39 + ... + 1; the rest is 595


def test_an_edited_sheet_is_taken_as_overrides_and_shows_them_again(tmp_path):
    """Write a word into the sheet, give it back, and read the next sheet."""
    (tmp_path / "one").mkdir()
    (tmp_path / "two").mkdir()
    _, labels, clusters = run(tmp_path / "one")
    samples = pd.DataFrame({"sample": ["S0", "S1"], "patient": "P1", "timepoint": ["pre", "post"]})
    sheet = made(labels, clusters, samples=samples)
    assert sheet["suggested"].tolist() == ["CD4 naive", "CD14 monocyte", "CD8 effector", "naive B"]
    sheet.loc[sheet["cluster"] == "1", "label"] = "NK cells"
    path = tmp_path / "sheet.tsv"
    sheet.to_csv(path, sep="\t", index=False)
    check_overrides(path, MARKERS / "cell_types.tsv")
    _, labels, clusters = run(tmp_path / "two", overrides=pd.read_csv(path, sep="\t", dtype=str))
    kinds = labels.groupby("cluster")["cell_type"].agg(lambda c: c.mode().iloc[0])
    assert kinds.to_dict() == {"0": "CD4 T", "1": "NK", "2": "CD8 T", "10": "B"}
    sources = clusters.set_index("cluster")["source"].to_dict()
    assert sources == {"0": "marker", "1": "override", "2": "marker", "10": "marker"}
    words = tables.read(tmp_path / "two/overrides.tsv")
    again = made(labels, clusters, words, samples=samples).set_index("cluster")
    assert again["label"].to_dict() == {"0": "", "1": "NK cells", "2": "", "10": ""}
    assert again.loc["1", "alternative"] == "monocyte"
    assert again.loc["1", "alternative_score"] > 0.9 and again.loc["1", "mark"] == "low"


@pytest.mark.parametrize("suffix", [".csv", ".tsv"])
def test_a_sheet_saved_by_a_spreadsheet_is_read(tmp_path, suffix):
    """With a byte-order mark, commas, quotes and empty rows, as Excel saves it."""
    (tmp_path / "cells").mkdir()
    sheet = pd.DataFrame({"cluster": ["0", "1"], "label": ["", "NK, cells"], "x": ["a, b", ""]})
    sheet["label"] = sheet["label"].str.replace(",", "")
    path = tmp_path / f"sheet{suffix}"
    separator = "," if suffix == ".csv" else "\t"
    sheet.to_csv(path, sep=separator, index=False, encoding="utf-8-sig", lineterminator="\r\n")
    check_overrides(path, MARKERS / "cell_types.tsv")
    _, _, clusters = run(tmp_path / "cells", overrides=path)
    assert clusters.set_index("cluster").loc["1", "cell_type"] == "NK"


def test_every_suggested_label_is_a_word_that_overrides_take():
    kinds = tables.read(MARKERS / "cell_types.tsv").fillna("")
    names = [*kinds["cell_type"], *kinds.loc[kinds["cell_subtype"] != "", "cell_subtype"]]
    names = pd.Series(sorted({*names, "unassigned"}))
    words = pd.DataFrame({"cluster": names.index.astype(str), "label": names})
    read = read_words(words["cluster"], words, kinds, place="sheet.tsv")
    assert len(read) == len(names)
