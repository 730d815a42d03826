"""The CAR call: features, threshold with its error, shares, and what the CAR's target lost."""

import numpy as np
import pandas as pd
import pytest
from scipy import sparse, stats
from unit.annotation_jobs import job

import call_car_cells
from immune_reset import car, counts, tables
from immune_reset.errors import InputError
from immune_reset.genes import CAR_PATTERN
from immune_reset.intervals import share_ratio

SAMPLES = pd.DataFrame(
    {
        "sample": ["pre", "post"],
        "patient": ["P1", "P1"],
        "timepoint": ["pre", "post"],
        "day": [-7, 28],
    }
)
PLAN = {"timepoints": ["pre", "post"], "baseline": "pre", "samples": SAMPLES.to_dict("records")}


def genes(ids, symbols=None):
    return pd.DataFrame({"symbol": symbols or ids}, index=pd.Index(ids, name="gene_id"))


@pytest.mark.parametrize(
    "name, is_car",
    [("CAR_BCMA", True), ("BCMA-CAR", True), ("CAR", True), ("anti-CD19-CAR", True),
     ("CARD8", False), ("CARS1", False), ("CD19", False), ("SCARB1", False), ("NCAR", False)],
)  # fmt: skip
def test_the_default_pattern_takes_no_native_gene(name, is_car):
    found = car.find_features(
        genes(["ENSG1", "X"], ["CD3D", name]), features=[], pattern=CAR_PATTERN
    )
    assert found == (["X"] if is_car else [])


def test_named_features_go_by_id_or_symbol_and_must_exist():
    table = genes(["ENSG1", "ENSG2"], ["CD3D", "transgene"])
    assert car.find_features(table, features=["transgene"], pattern="x") == ["ENSG2"]
    assert car.find_features(table, features=["ENSG1"], pattern="x") == ["ENSG1"]
    with pytest.raises(InputError, match="'scFv' is in no sample's matrix"):
        car.find_features(table, features=["ENSG1", "scFv"], pattern="x")


def test_cells_that_cannot_be_car_t():
    cells = pd.DataFrame(
        {
            "sample": ["pre", "pre", "post", "post", "post", "post"],
            "cell_type": ["CD8 T", "B", "CD8 T", "NK", "platelet", "plasma"],
        }
    )
    found = car.cannot_be_car(cells, SAMPLES, None)
    assert found.tolist() == [True, True, False, True, False, True]
    undated = SAMPLES.assign(day=np.nan)
    assert car.cannot_be_car(cells, undated, "pre").tolist() == found.tolist()


def test_the_threshold_is_the_lowest_that_holds_the_rate():
    umis = np.array([1] * 5 + [2] * 2 + [0] * 2993 + [50] * 10)
    negatives = np.arange(len(umis)) < 3000
    threshold, bound = car.umi_threshold(umis, negatives, max_rate=0.001)
    assert threshold == 2  # 2 of 3,000 pass at 2, 7 at 1
    assert bound == pytest.approx(stats.beta.ppf(0.95, 3, 2998))
    assert car.umi_threshold(umis, negatives, max_rate=1e-4)[0] == 3
    assert car.umi_threshold(umis, negatives, max_rate=1e-4)[1] == pytest.approx(
        1 - 0.05 ** (1 / 3000)
    )
    assert car.umi_threshold(umis, negatives & False, max_rate=0.001)[0] == 1


def cohort(seed=3):
    """Two samples: 40 of 200 post T cells carry the CAR; ambient CAR UMIs reach B cells."""
    rng = np.random.default_rng(seed)
    kinds = ["CD4 T"] * 100 + ["CD8 T"] * 100 + ["B"] * 100 + ["monocyte"] * 100
    parts = []
    for sample in ("pre", "post"):
        umis = np.zeros(400, dtype=int)
        if sample == "post":
            umis = rng.binomial(1, 0.02, 400)
            umis[:10] = 9
            umis[100:130] = 7
        frame = pd.DataFrame({"sample": sample, "cell_type": kinds, "car_umis": umis})
        frame["cell_id"] = [f"{sample}:{i}" for i in range(400)]
        parts.append(frame.assign(measured=True, car_ambient=0.02 if sample == "post" else 0.0))
    return pd.concat(parts, ignore_index=True)


def test_shares_and_intervals_of_a_call():
    called, table = call_car_cells.call(cohort(), SAMPLES, baseline="pre", max_rate=0.001)
    assert called["car"].sum() == 40 and called["car"].dtype == bool
    post = table.set_index("sample").loc["post"]
    assert (post.n_t_cells, post.n_car, post.cd4, post.cd8, post.threshold) == (200, 40, 10, 30, 2)
    wilson = stats.binomtest(40, 200).proportion_ci(method="wilson")
    assert (post.ci_low, post.ci_high) == pytest.approx((wilson.low, wilson.high))
    assert post.cd4_cd8 == pytest.approx(1 / 3)
    assert post.false_positive_bound == pytest.approx(1 - 0.05 ** (1 / 600))
    assert table["n_car"].tolist() == [0, 40] and set(table["status"]) == {"called"}
    assert table["n_ambient"].tolist() == pytest.approx([0, 200 * stats.poisson.sf(1, 0.02)])


def test_a_leaky_sample_raises_the_threshold_that_other_samples_would_hide():
    """2 in 1,000 negatives pass at 1 UMI over all samples, 20 of 20 expected in the leaky one."""
    cells = cohort()
    post = cells["sample"] == "post"
    cells.loc[~cells["cell_type"].str.endswith("T"), "car_umis"] = 0
    known, _ = call_car_cells.call(cells, SAMPLES, baseline="pre", max_rate=0.001)
    blind = cells.assign(car_ambient=np.nan)
    unknown, table = call_car_cells.call(blind, SAMPLES, baseline="pre", max_rate=0.001)
    assert known["car"].sum() == 40 and table["threshold"].tolist() == [1, 1]
    assert unknown["car"].sum() == 40 + (cells.loc[post, "car_umis"] == 1).sum() > 40
    assert table["n_ambient"].isna().all()


def test_a_sample_without_the_feature_has_no_call_and_is_no_evidence():
    cells = cohort()
    cells.loc[cells["sample"] == "pre", "measured"] = False
    called, table = call_car_cells.call(cells, SAMPLES, baseline="pre", max_rate=0.001)
    assert not called["cell_id"].str.startswith("pre").any()
    rows = table.set_index("sample")
    assert rows.loc["pre", "status"] == car.NO_FEATURE and np.isnan(rows.loc["pre", "n_car"])
    assert rows.loc["post", "false_positive_bound"] == pytest.approx(1 - 0.05 ** (1 / 200))


def test_no_feature_at_all_is_a_remark():
    cells = cohort().assign(measured=False, car_umis=0)
    called, table = call_car_cells.call(cells, SAMPLES, baseline="pre", max_rate=0.001)
    assert called.empty and list(called.columns) == ["cell_id", "car", "car_umis"]
    assert set(table["status"]) == {"no CAR feature in the data"}
    assert table["fraction"].isna().all() and table["n_t_cells"].tolist() == [200, 200]


def test_on_target_stands_beside_the_depletion():
    cells = cohort().assign(total_counts=1000, TNFRSF17=0)
    cells.loc[cells["cell_type"] == "B", "TNFRSF17"] = [2, 0] * 100
    gone = (cells["sample"] == "post") & (cells["cell_type"] == "B")
    found = call_car_cells.on_target(cells[~gone], PLAN).set_index("cell_type")
    assert found.loc["B", "TNFRSF17_share"] == 0.5
    assert found.loc["B", "TNFRSF17_level"] == pytest.approx(10.0)
    expected = share_ratio(100, 400, 0, 300)
    assert found.loc["B", "ci_high"] == pytest.approx(expected.ci_high)
    assert found.loc["monocyte", "log2_ratio"] == pytest.approx(np.log2(4 / 3))


@pytest.mark.parametrize("with_car", [True, False])
def test_the_script_writes_its_tables(tmp_path, with_car):
    cells = cohort()
    inputs = {"counts": [], "cells": [], "labels": tmp_path / "labels.parquet"}
    tables.write(cells[["cell_id", "sample", "cell_type"]], inputs["labels"])
    for sample, part in cells.groupby("sample", sort=False):
        ids = pd.Index(part["cell_id"], name="cell_id")
        obs = pd.DataFrame({"barcode": ids, "sample": sample}, index=ids)
        names = ["ENSG1", "ENSG2", *(["CAR_BCMA"] if with_car else [])]
        var = genes(names, ["CD3D", "TNFRSF17", "CAR_BCMA"][: len(names)])
        columns = np.ones((len(part), len(names)), dtype=np.float32)
        if with_car:
            columns[:, 2] = part["car_umis"]
        var = var.assign(feature_type="Gene Expression", ambient=np.nan)
        path = tmp_path / f"{sample}.h5ad"
        counts.write(counts.Counts(sparse.csr_matrix(columns), obs, var), path)
        kept = part[["cell_id"]].assign(keep=True, total_counts=100)
        tables.write(kept, tmp_path / f"{sample}.parquet")
        inputs["counts"].append(path)
        inputs["cells"].append(tmp_path / f"{sample}.parquet")
    outputs = {"cells": tmp_path / "car.parquet"}
    outputs |= {name: tmp_path / "t" / f"{name}.tsv" for name in ("car_cells", "on_target")}
    outputs = {"cells": outputs["cells"], "table": outputs["car_cells"],
               "on_target": outputs["on_target"]}  # fmt: skip
    cfg = {"car.features": [], "car.pattern": CAR_PATTERN, "car.max_false_positive_rate": 0.001}
    call_car_cells.main(job(inputs, outputs, cfg=cfg, design=PLAN))
    table = tables.read(outputs["table"])
    if with_car:
        assert table["n_car"].tolist() == [0, 40]
    else:
        assert table["n_car"].isna().all()
        assert tables.read(outputs["cells"]).empty
    assert tables.read(outputs["on_target"])["cell_type"].tolist() == [
        "B",
        "CD4 T",
        "CD8 T",
        "monocyte",
    ]


def test_each_person_has_a_threshold_of_its_own():
    clean, dirty = cohort(), cohort()
    dirty["sample"] = "P2_" + dirty["sample"]
    dirty["cell_id"] = "P2_" + dirty["cell_id"]
    ambient = dirty.index[dirty["cell_type"] == "B"]
    dirty.loc[ambient, "car_umis"] = 3
    other = SAMPLES.assign(sample="P2_" + SAMPLES["sample"], patient="P2")
    alone, table = call_car_cells.call(clean, SAMPLES, baseline="pre", max_rate=0.001)
    both = pd.concat([clean, dirty], ignore_index=True)
    samples = pd.concat([SAMPLES, other], ignore_index=True)
    called, tables_of_both = call_car_cells.call(both, samples, baseline="pre", max_rate=0.001)
    pd.testing.assert_frame_equal(called.iloc[: len(alone)], alone)
    pd.testing.assert_frame_equal(tables_of_both.iloc[:2], table)
    assert tables_of_both["threshold"].tolist() == [2, 2, 4, 4]
