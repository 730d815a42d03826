"""The cells of the interactive map: thinned at random, fates at their own time, plain numbers."""

import json
from types import SimpleNamespace

import numpy as np
import pandas as pd
from unit import report_claims
from unit import report_tables as made
from unit.report_jobs import Files

import thin_cells


def test_as_many_cells_as_asked_for_each_once_and_the_same_again():
    cells = pd.DataFrame({"cell_id": np.arange(1000)})
    drawn = thin_cells.thinned(cells, most=100, seed=1)
    assert len(set(drawn["cell_id"])) == 100
    assert drawn.equals(thin_cells.thinned(cells, most=100, seed=1))
    assert abs(drawn["cell_id"].mean() - 499.5) < 4 * 28.9  # sd of a mean of 100 of 0..999
    assert len(thin_cells.thinned(cells, most=5000, seed=1)) == 1000


def test_a_cell_shows_the_fate_of_its_own_time():
    rows = [("a", "pre", "c1"), ("b", "m1", "c1"), ("c", "m3", "c1"), ("d", "pre", "c2")]
    rows += [("a", "pre", "c3"), ("e", "pre", None)]  # "a" carries two receptors; c1 is larger
    clonotypes = pd.DataFrame(rows, columns=["cell_id", "timepoint", "clone_id"])
    fates = pd.DataFrame(
        [("c1", "m1 vs pre", "stable"), ("c1", "m3 vs pre", "contracted")],
        columns=["clone_id", "comparison", "fate"],
    )
    found = thin_cells.fate_of_cells(clonotypes, fates, "pre").set_index("cell_id")
    assert found["fate"].dropna().to_dict() == {"a": "contracted", "b": "stable", "c": "contracted"}
    assert found.loc["a", "clone_id"] == "c1"
    assert pd.isna(found.loc["d", "fate"])
    assert "e" not in found.index


def test_codes_lead_back_to_the_values():
    values = pd.Series(["b", "a", "b", "", None])
    found = thin_cells.coded(values)
    assert [found["names"][c] if c >= 0 else "" for c in found["codes"]] == ["b", "a", "b", "", ""]
    assert thin_cells.coded(values, ["a", "b", "z"])["names"] == ["a", "b"]


def test_the_map_holds_every_cell_of_a_small_cohort(tmp_path):
    frames = made.atlas(300)
    frames["labels"] = frames["labels"].assign(cell_subtype="")
    files = report_claims.write_parquet(tmp_path, frames)
    job = SimpleNamespace(
        input=Files(umap=files["umap"], labels=files["labels"], scores=[files["scores"]]),
        output=Files(map=str(tmp_path / "map.json")),
        params=SimpleNamespace(cfg={"seed": 0}, design=made.design()),
        log=[],
    )
    thin_cells.main(job)
    found = json.loads((tmp_path / "map.json").read_text())
    n = len(frames["umap"])
    assert found["n_cells"] == found["n_drawn"] == n == len(found["1"])
    assert sorted(found["1"]) == sorted((frames["umap"]["umap_1"] * 100).round().astype(int))
    counts = np.bincount(found["cell_type"]["codes"])
    named = dict(zip(found["cell_type"]["names"], counts.tolist(), strict=True))
    assert named == frames["labels"]["cell_type"].value_counts().to_dict()
    assert "fate" not in found
