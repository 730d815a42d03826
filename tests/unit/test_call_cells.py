"""Which barcodes are cells: every loss has one reason, and all add up."""

import numpy as np
import pandas as pd
import pytest
from unit import cells_made as made

import call_cells
from immune_reset.cell_calls import RECEPTOR_SLOTS
from immune_reset.errors import InputError

CFG = {
    "qc.min_counts": 500,
    "qc.min_genes": 200,
    "qc.max_pct_mt": 20,
    "qc.nmads": 5,
    "doublets.max_score": None,
    "doublets.expected_rate": None,
    "doublets.use_receptors": True,
}
LOST = [f"lost_{reason}" for reason in call_cells.REASONS]


def sample(n=100):
    """Return metrics, scores and receptors of `n` good cells with neither doublet nor receptor."""
    rng = np.random.default_rng(0)
    ids = [f"S1:B{i}" for i in range(n)]
    metrics = pd.DataFrame(
        {
            "cell_id": ids,
            "total_counts": rng.lognormal(8.5, 0.2, n).astype(int),
            "n_genes_by_counts": rng.lognormal(7.0, 0.15, n).astype(int),
            "pct_counts_mt": rng.normal(4, 0.5, n),
        }
    )
    scores = pd.DataFrame({"cell_id": ids, "doublet_score": 0.01, "score_split": 0.2})
    return metrics, scores, receptors([])


def receptors(rows):
    """Return receptors of (cell_id, receptor_type, VDJ locus, UMIs, VJ locus, UMIs)."""
    columns = ["cell_id", "receptor_type", "VDJ_1_locus", "VDJ_1_umi_count", "VJ_1_locus"]
    table = pd.DataFrame(rows, columns=[*columns, "VJ_1_umi_count"])
    for slot in RECEPTOR_SLOTS[2:]:
        table[f"{slot}_locus"], table[f"{slot}_umi_count"] = None, np.nan
    texts = [c for c in table if not c.endswith("umi_count")]
    return table.astype(dict.fromkeys(texts, "string"))


def call(tmp_path, metrics=None, scores=None, found=None, row=None, **cfg):
    inputs = {}
    for name, table in (("metrics", metrics), ("doublet_scores", scores), ("receptors", found)):
        if table is not None:
            inputs[name] = tmp_path / f"{name}.parquet"
            table.to_parquet(inputs[name])
    outputs = {"cells": tmp_path / "cells.parquet", "qc": tmp_path / "qc.parquet"}
    settings = CFG | {key.replace("__", "."): value for key, value in cfg.items()}
    row = {"sample": "S1"} | (row or {})
    made.run("call_cells", tmp_path, inputs, outputs, cfg=settings, row=row)
    cells = pd.read_parquet(outputs["cells"]).set_index("cell_id")
    qc = pd.read_parquet(outputs["qc"]).iloc[0]
    assert qc["barcodes_in"] == qc["cells_kept"] + qc[LOST].sum() == len(cells)
    assert (cells["keep"] == (cells["reason"] == "kept")).all()
    return cells, qc


def test_each_loss_has_the_first_reason_that_applies(tmp_path):
    metrics, scores, _ = sample()
    metrics.loc[0, ["total_counts", "n_genes_by_counts"]] = [100, 50]  # both: counts come first
    metrics.loc[1, "n_genes_by_counts"] = 50
    metrics.loc[2, "total_counts"] = 100_000
    metrics.loc[3, "n_genes_by_counts"] = 20_000
    metrics.loc[4, "pct_counts_mt"] = 60.0
    scores.loc[[4, 5], "doublet_score"] = 0.9  # cell 4 is lost for its mitochondria already
    both = ["ambiguous", "TRB", 9, "IGK", 9]
    found = receptors([["S1:B5", *both], ["S1:B6", *both], ["S1:B7", "BCR", "IGH", 9, "IGK", 9]])
    cells, qc = call(tmp_path, metrics, scores, found)
    expected = [
        "low_counts", "low_genes", "high_counts", "high_genes", "high_mt", "doublet_expression",
        "doublet_receptors", "kept",
    ]  # fmt: skip
    assert cells["reason"].iloc[:8].tolist() == expected
    assert (cells["reason"].iloc[8:] == "kept").all()
    assert qc[LOST].tolist() == [1] * 7
    assert qc["n_bcr_cells"] == 1
    assert qc["thr_doublet_score"] == 0.2
    assert cells["barcode"].iloc[0] == "B0"


def test_receptor_evidence_can_be_switched_off(tmp_path):
    metrics, scores, _ = sample()
    found = receptors([["S1:B6", "ambiguous", "TRB", 9, "IGK", 9]])
    cells, qc = call(tmp_path, metrics, scores, found, doublets__use_receptors=False)
    assert cells["keep"].all()
    assert qc["n_ambiguous_cells"] == 1


def test_a_given_score_replaces_the_automatic_one(tmp_path):
    metrics, scores, found = sample()
    scores["doublet_score"] = np.linspace(0, 1, 100)
    _, automatic = call(tmp_path, metrics, scores, found)
    _, fixed = call(tmp_path, metrics, scores, found, doublets__max_score=0.5)
    assert automatic["lost_doublet_expression"] == 2  # 100 x (.0008 + .02)
    assert fixed["lost_doublet_expression"] == 50


def test_the_sheet_overrides_the_config_for_one_sample(tmp_path):
    metrics, scores, found = sample()
    metrics["n_genes_by_counts"] = np.arange(900, 1000)
    row = {"qc_min_genes": 950, "qc_nmads": 0}
    _, qc = call(tmp_path, metrics, scores, found, row=row)
    assert qc["lost_low_genes"] == 50
    assert qc["thr_min_genes"] == 950
    assert np.isnan(qc["thr_max_genes"])


def test_a_matrix_without_mitochondrial_genes(tmp_path):
    metrics, scores, found = sample()
    metrics["pct_counts_mt"] = np.nan
    cells, qc = call(tmp_path, metrics, scores, found)
    assert cells["keep"].all()
    assert qc["thr_max_pct_mt"] == 20


def test_twelve_cells_without_scores(tmp_path):
    metrics, scores, found = sample(12)
    scores[["doublet_score", "score_split"]] = np.nan
    cells, qc = call(tmp_path, metrics, scores, found)
    assert cells["keep"].all()
    assert np.isnan(qc["thr_doublet_score"])


def test_a_repertoire_alone_keeps_every_cell_that_is_no_doublet(tmp_path):
    found = receptors(
        [["S1:B0", "TCR", "TRB", 9, "TRA", 9], ["S1:B1", "ambiguous", "TRB", 9, "IGK", 9]]
    )
    cells, qc = call(tmp_path, found=found)
    assert cells["reason"].tolist() == ["kept", "doublet_receptors"]
    assert cells["total_counts"].isna().all()
    assert qc["n_tcr_cells"] == 1


def test_a_sample_without_any_receptor_file(tmp_path):
    metrics, scores, _ = sample()
    cells, qc = call(tmp_path, metrics, scores)
    assert cells["keep"].all()
    assert qc["n_receptors_outside"] == 0


def test_receptors_outside_the_matrix_are_counted(tmp_path):
    metrics, scores, _ = sample()
    chains = ["TCR", "TRB", 9, "TRA", 9]
    found = receptors([["S1:B0", *chains], ["S1:ELSEWHERE", *chains]])
    cells, qc = call(tmp_path, metrics, scores, found)
    assert qc["n_receptors_outside"] == 1
    assert len(cells) == 100


@pytest.mark.parametrize("n", [1, 30])
def test_receptors_of_another_library_are_refused(tmp_path, n):
    metrics, scores, _ = sample()
    found = receptors([[f"S1:B{i}-1", "TCR", "TRB", 9, "TRA", 9] for i in range(n)])
    message = (
        rf"sample S1, columns gex and tcr: none of its {n} TCR barcodes \(such as B0-1\) .*B0\)"
    )
    with pytest.raises(InputError, match=message):
        call(tmp_path, metrics, scores, found)
    assert not (tmp_path / "cells.parquet").exists()


def test_one_stray_receptor_beside_good_ones_is_no_error(tmp_path):
    metrics, scores, _ = sample()
    found = receptors(
        [["S1:B0", "TCR", "TRB", 9, "TRA", 9], ["S1:ELSEWHERE", "BCR", "IGH", 9, "IGK", 9]]
    )
    _, qc = call(tmp_path, metrics, scores, found)
    assert qc["n_receptors_outside"] == 1


@pytest.mark.real_data
@pytest.mark.parametrize("library", ["null_cohort/N1_pre", "hybrid_cohort/P1_pre"])
def test_losses_on_real_cells_are_few(tmp_path, real_data, library):
    """Both matrices hold cells that were already found good: a few per cent may be doublets."""
    folder = real_data / library / "filtered_feature_bc_matrix"
    counts, metrics, scores = (tmp_path / name for name in ("c.h5ad", "m.parquet", "s.parquet"))
    row = {"sample": "S1", "gex": str(folder)}
    outputs = {"counts": counts, "facts": tmp_path / "load.json"}
    made.run("load_sample", tmp_path, {"gex": folder}, outputs, row=row)
    made.run("measure_qc", tmp_path, {"counts": counts}, {"metrics": metrics})
    settings = {
        "doublets.n_genes": 2000,
        "doublets.expected_rate": None,
        "doublets.sim_ratio": 2.0,
        "doublets.n_components": 30,
        "seed": 0,
    }
    made.run("score_doublets", tmp_path, {"counts": counts}, {"scores": scores}, cfg=settings)
    _, qc = call(tmp_path, pd.read_parquet(metrics), pd.read_parquet(scores))
    assert qc["cells_kept"] > 0.93 * qc["barcodes_in"]
    assert qc["lost_doublet_expression"] <= 0.03 * qc["barcodes_in"]
